import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One `edict` command as a process of its own. */
export async function edict(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<Ended> {
  return ended(process.execPath, [main, ...args], options);
}

/** The same in a terminal of its own (script(1)); what stands in `typed` is typed once the prompt before it was shown. */
export async function edictInTerminal(
  args: readonly string[],
  typed: readonly (readonly [prompt: string, answer: string])[],
  cwd: string,
): Promise<Ended> {
  const line = [process.execPath, main, ...args].map((word) => `'${word}'`).join(" ");
  return inTerminal(line, cwd, typed);
}

/** A shell's line in a terminal of its own. */
export function inTerminal(
  line: string,
  cwd: string = process.cwd(),
  typed: readonly (readonly [prompt: string, answer: string])[] = [],
): Promise<Ended> {
  return ended("/usr/bin/script", ["-qefc", line, "/dev/null"], { cwd }, typed);
}

async function ended(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Record<string, string> },
  typed: readonly (readonly [string, string])[] = [],
): Promise<Ended> {
  const { EDICT_PASSPHRASE: _, ...inherited } = process.env;
  const child = spawn(program, args, { cwd, env: { ...inherited, ...env } });
  const waiting = [...typed];
  let seen = "";
  child.stdout.on("data", (data: Buffer) => {
    seen += data.toString();
    const [next] = waiting;
    const at = next === undefined ? -1 : seen.indexOf(next[0]);
    if (next === undefined || at < 0) return;
    seen = seen.slice(at + next[0].length);
    waiting.shift();
    child.stdin.write(`${next[1]}\n`);
  });
  if (typed.length === 0) child.stdin.end();
  const code = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, out, err };
}
