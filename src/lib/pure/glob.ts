/**
 * Path globs, matched without regular expressions: time is at most (pattern length × path length), for every pattern.
 * `*` any characters of one folder name (also a leading dot), `?` one character, `**` as a whole name any number of
 * folders, at the end everything inside, `{a,b}` either. Everything else is itself; there is no escape.
 */

const maxAlternatives = 256;

/** What is wrong with a glob, in words that follow "it"; undefined where nothing is. */
export function globProblem(glob: string): string | undefined {
  if (glob === "") return "it is empty";
  if (glob.includes("\\")) return "it has a backslash";
  let depth = 0;
  for (const c of glob) {
    if (c === "{") depth += 1;
    else if (c === "}") depth -= 1;
    if (depth < 0) return "it has a } without its {";
  }
  if (depth > 0) return "it has a { without its }";
  return countAlternatives(glob, 0, false).count > maxAlternatives
    ? `it stands for more than ${maxAlternatives} globs`
    : undefined;
}

/** How many globs a text stands for, from `at` to its end or, inside braces, to the brace that closes it. */
function countAlternatives(glob: string, at: number, inside: boolean): { count: number; end: number } {
  let all = 0;
  let one = 1;
  let i = at;
  for (; i < glob.length; i += 1) {
    const c = glob[i];
    if (c === "{") {
      const inner = countAlternatives(glob, i + 1, true);
      one = Math.min(one * inner.count, maxAlternatives + 1);
      i = inner.end;
    } else if (inside && c === ",") {
      all += one;
      one = 1;
    } else if (inside && c === "}") break;
  }
  return { count: Math.min(all + one, maxAlternatives + 1), end: i };
}

/** The globs without braces that a glob stands for, in its order. @throws RangeError where `globProblem` has a word. */
export function expandBraces(glob: string): readonly string[] {
  if (glob !== "" && !/[{}\\]/.test(glob)) return [glob];
  const problem = globProblem(glob);
  if (problem !== undefined) throw new RangeError(`${JSON.stringify(glob)} is no glob: ${problem}`);
  return expand(glob);
}

function expand(glob: string): readonly string[] {
  const open = glob.indexOf("{");
  if (open === -1) return [glob];
  const choices: string[] = [];
  let depth = 0;
  let from = open + 1;
  let close = open;
  for (let i = open; i < glob.length; i += 1) {
    const c = glob[i];
    if (c === "{") depth += 1;
    else if (c === "}") depth -= 1;
    if ((c === "," && depth === 1) || (c === "}" && depth === 0)) {
      choices.push(glob.slice(from, i));
      from = i + 1;
    }
    if (depth === 0) {
      close = i;
      break;
    }
  }
  const head = glob.slice(0, open);
  const tails = expand(glob.slice(close + 1));
  return choices.flatMap((choice) => expand(choice).flatMap((middle) => tails.map((tail) => head + middle + tail)));
}

/** Whether a path matches a glob without braces. Both write `/` between names; letters count as they are. */
export function matchGlob(glob: string, path: string): boolean {
  let g = 0;
  let p = 0;
  // Where the last `**` lets us try again: the glob after it, and the next name of the path it could swallow.
  let againGlob = -1;
  let againPath = -1;
  for (;;) {
    if (g > glob.length && p > path.length) return true;
    const globEnd = g > glob.length ? g : nameEnd(glob, g);
    if (g <= glob.length && globEnd - g === 2 && glob.startsWith("**", g)) {
      if (globEnd === glob.length) return p <= path.length;
      g = globEnd + 1;
      againGlob = g;
      againPath = p;
      continue;
    }
    if (g <= glob.length && p <= path.length) {
      const pathEnd = nameEnd(path, p);
      if (matchName(glob, g, globEnd, path, p, pathEnd)) {
        g = globEnd + 1;
        p = pathEnd + 1;
        continue;
      }
    }
    if (againGlob === -1 || againPath > path.length) return false;
    againPath = nameEnd(path, againPath) + 1;
    g = againGlob;
    p = againPath;
  }
}

function nameEnd(text: string, from: number): number {
  const slash = text.indexOf("/", from);
  return slash === -1 ? text.length : slash;
}

const star = 42;
const anyOne = 63;

/**
 * One folder or file name: `from` to `to` of the glob against `start` to `end` of the path, `*` and `?` within it. Only the
 * last `*` is tried again: what an earlier one could give, it can give as well.
 */
export function matchName(glob: string, from: number, to: number, path: string, start: number, end: number): boolean {
  let g = from;
  let p = start;
  let againGlob = -1;
  let againPath = -1;
  while (p < end) {
    const c = g < to ? glob.charCodeAt(g) : -1;
    if (c === star) {
      g += 1;
      againGlob = g;
      againPath = p;
    } else if (c === anyOne) {
      g += 1;
      p += Math.min(path.codePointAt(p) ?? 0, 0x1_00_00) === 0x1_00_00 ? 2 : 1;
    } else if (c === path.charCodeAt(p) && c !== -1) {
      g += 1;
      p += 1;
    } else if (againGlob === -1) return false;
    else {
      againPath += 1;
      g = againGlob;
      p = againPath;
    }
  }
  while (g < to && glob.charCodeAt(g) === star) g += 1;
  return g === to && p === end;
}
