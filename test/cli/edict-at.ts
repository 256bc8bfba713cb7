// `edict` as a process of its own at a moment of the test's choice: the file EDICT_NOW holds it. Whoever is asked says yes.
import { readFileSync } from "node:fs";
import { run } from "#cli/main.ts";
import { parseInstant } from "#lib/pure/instant.ts";

const { argv, env, stdin } = process;
const asks = /^(policy sign|trust (sign|delegate|rotate|renew))$/.test(argv.slice(2, 4).join(" "));
process.exitCode = await run([...argv.slice(2), ...(asks ? ["--yes"] : [])], {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin,
  clock: { now: () => parseInstant(readFileSync(env["EDICT_NOW"] ?? "", "utf8")) },
  env,
  cwd: process.cwd(),
  isTerminal: false,
  signal: new AbortController().signal,
});
