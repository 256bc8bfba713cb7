import { Readable } from "node:stream";
import { run } from "#cli/main.ts";
import type { Instant } from "#lib/pure/instant.ts";

/** Runs one command line at a moment of the test's choice, in a folder of its own. */
export async function edictAt(at: Instant, cwd: string, ...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const code = await run(argv, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    stdin: Readable.from([]),
    clock: { now: () => at },
    env: { EDICT_RUN: cwd },
    cwd,
    isTerminal: false,
    signal: new AbortController().signal,
  });
  return { code, out, err };
}
