/** What a text of XML is made of, in order. An element that closes itself is opened and closed. */
export type Markup =
  | { readonly what: "open"; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly what: "close"; readonly name: string }
  | { readonly what: "text"; readonly text: string };

/** Elements inside each other, and pieces of markup in one text: far more than a manifest has. */
const deepest = 64;
const most = 200_000;

/**
 * The markup of a small text of XML 1.0, in the encoding that it declares, UTF-8 or UTF-16; undefined where it is not well-formed, or declares anything: no
 * entity is ever defined, so none can be blown up or read from elsewhere. Prefixes stay in names.
 */
export function parseXml(bytes: Uint8Array): readonly Markup[] | undefined {
  const text = decoded(bytes);
  if (text === undefined) return undefined;
  const found: Markup[] = [];
  const open: string[] = [];
  for (let at = 0; at < text.length;) {
    if (found.length > most) return undefined;
    const tag = text.indexOf("<", at);
    const plain = unescaped(text.slice(at, tag < 0 ? undefined : tag));
    if (plain === undefined) return undefined;
    if (plain !== "") found.push({ what: "text", text: plain });
    if (tag < 0) break;
    const skipped = skippedAt(text, tag);
    if (skipped !== undefined) {
      if (skipped.end < 0) return undefined;
      if (skipped.text !== undefined) found.push({ what: "text", text: skipped.text });
      at = skipped.end;
      continue;
    }
    const end = endOfTag(text, tag);
    if (end < 0 || text.startsWith("<!", tag)) return undefined;
    const inner = text.slice(tag + 1, end);
    if (inner.startsWith("/")) {
      const name = inner.slice(1).trimEnd();
      if (open.pop() !== name) return undefined;
      found.push({ what: "close", name });
    } else {
      const closed = inner.endsWith("/");
      const element = parseTag(closed ? inner.slice(0, -1) : inner);
      if (element === undefined || open.length >= deepest) return undefined;
      found.push(element);
      if (closed) found.push({ what: "close", name: element.name });
      else open.push(element.name);
    }
    at = end + 1;
  }
  return open.length === 0 ? found : undefined;
}

function decoded(bytes: Uint8Array): string | undefined {
  const [a, b] = bytes;
  const marked = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : undefined;
  try {
    return new TextDecoder(marked ?? declaredIn(bytes), { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a text says that it is written in, where it can be read without knowing that (XML 1.0, 4.3.3). */
function declaredIn(bytes: Uint8Array): string {
  const begin = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  const [, name = "utf-8"] = /^<\?xml\s[^>]*?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(begin) ?? [];
  return /^utf-16/i.test(name) ? "utf-8" : name;
}

/** What says nothing: by what it begins and ends with. A type is only named, its own declarations are not. */
const skips = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
  ["<!DOCTYPE", ">"],
] as const;

function skippedAt(text: string, at: number): { readonly end: number; readonly text?: string } | undefined {
  const skip = skips.find(([begin]) => text.startsWith(begin, at));
  if (skip === undefined) return undefined;
  const [begin, end] = skip;
  const stop = text.indexOf(end, at + begin.length);
  if (stop < 0 || (begin === "<!DOCTYPE" && text.slice(at, stop).includes("["))) return { end: -1 };
  const inner = text.slice(at + begin.length, stop);
  return { end: stop + end.length, ...(begin === "<![CDATA[" && { text: inner }) };
}

/** The end of a tag: a ">" may stand in an attribute's value. */
function endOfTag(text: string, at: number): number {
  let quote = "";
  for (let i = at + 1; i < text.length; i += 1) {
    const c = text.charAt(i);
    if (quote !== "") {
      if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c === ">") return i;
  }
  return -1;
}

const nameEnd = /[\s=]/;

function parseTag(inner: string): (Markup & { readonly what: "open" }) | undefined {
  const space = inner.search(/\s/);
  const name = space < 0 ? inner : inner.slice(0, space);
  if (name === "" || /["'=]/.test(name)) return undefined;
  const attributes = new Map<string, string>();
  for (let rest = space < 0 ? "" : inner.slice(space).trim(); rest !== "";) {
    const stop = rest.search(nameEnd);
    const key = rest.slice(0, Math.max(0, stop));
    const after = rest.slice(Math.max(0, stop)).trimStart();
    const value = after.startsWith("=") ? after.slice(1).trimStart() : "";
    const quote = value.charAt(0);
    const close = quote === '"' || quote === "'" ? value.indexOf(quote, 1) : -1;
    const plain = close < 0 ? undefined : unescaped(value.slice(1, close));
    if (key === "" || plain === undefined || attributes.has(key)) return undefined;
    attributes.set(key, plain);
    rest = value.slice(close + 1).trimStart();
  }
  return { what: "open", name, attributes };
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Text without references; undefined where one refers to something else than a character (XML 1.0, 4.1, 4.6). */
function unescaped(text: string): string | undefined {
  if (!text.includes("&")) return text;
  let plain = "";
  for (let at = 0; ;) {
    const begin = text.indexOf("&", at);
    if (begin < 0) return plain + text.slice(at);
    const end = text.indexOf(";", begin);
    const character = end < 0 || end - begin > 12 ? undefined : characterOf(text.slice(begin + 1, end));
    if (character === undefined) return undefined;
    plain += text.slice(at, begin) + character;
    at = end + 1;
  }
}

function characterOf(reference: string): string | undefined {
  const code = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(reference);
  if (code === null) return entities.get(reference);
  const point = code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16);
  return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000)
    ? String.fromCodePoint(point)
    : undefined;
}
