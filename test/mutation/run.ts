// Which changes to the code that decides what is believed does no test notice? Each file by itself, with the tests that are about it:
//   npm run mutation              all of them; takes hours
//   npm run mutation verify       that file; or those whose name holds "verify" where none is called so
//   npm run mutation -- --score   what the last runs found
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../", import.meta.url));

/** Source file → those tests beside it that decide what it does; none that waits on purpose, but where nothing else looks at what is waited for. */
const pieces: readonly (readonly [source: string, tests: string])[] = [
  ["src/trust/canonical.ts", "canonical"],
  ["src/trust/client.ts", "client,polls,restart,clock,groups,bounds,attacks/published"],
  ["src/trust/courier.ts", "courier-asks,courier-ends"],
  ["src/trust/courier-line.ts", "courier-line,courier-serve,courier-asks"],
  ["src/trust/courier-serve.ts", "courier-serve"],
  ["src/trust/delegations.ts", "delegations,delegated,trusted-set"],
  ["src/trust/error.ts", "error,bounds"],
  ["src/trust/fetcher.ts", "fetcher"],
  ["src/trust/fields.ts", "fields"],
  ["src/trust/follow.ts", "groups"],
  ["src/trust/generation.ts", "generation,groups"],
  ["src/trust/generations.ts", "generations,groups"],
  ["src/trust/metadata.ts", "metadata"],
  ["src/trust/pace.ts", "pace"],
  ["src/trust/parts.ts", "parts"],
  ["src/trust/sha256.ts", "delegations,delegated"],
  ["src/trust/state.ts", "state"],
  ["src/trust/status.ts", "status"],
  ["src/trust/store.ts", "file-store,delegated"],
  ["src/trust/together.ts", "delegated,client"],
  ["src/trust/trusted-set.ts", "steps,keys"],
  ["src/trust/updater.ts", "updater,delegated,delegations,bounds,attacks/published"],
  ["src/trust/verify.ts", "verify"],
  ["src/policy/merge.ts", "merge,merge-whole,merge-properties"],
  ["src/policy/merge-grants.ts", "merge,merge-whole,merge-properties"],
  ["src/policy/merge-group.ts", "merge,merge-whole,merge-properties"],
];

/** Mutation testing elements' report, as much of it as is read here. */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
}

const reportOf = (source: string): string => join(here, "reports/mutation", `${basename(source, ".ts")}.json`);

async function mutate(source: string, tests: string): Promise<void> {
  const stryker = join(here, "node_modules/@stryker-mutator/core/bin/stryker.js");
  const folder = dirname(source).replace("src", "test");
  const env = { ...process.env, MUTATION_TESTS: `${folder}/{${tests},}.test.ts`, MUTATION_REPORT: reportOf(source) };
  const child = spawn(process.execPath, [stryker, "run", "stryker.config.mjs", "-m", source], {
    cwd: here,
    env,
    stdio: "inherit",
  });
  await once(child, "exit");
}

async function score(source: string): Promise<string> {
  try {
    const { files } = JSON.parse(await readFile(reportOf(source), "utf8")) as Report;
    const all = Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
    const count = (...wanted: readonly string[]): number => all.filter((status) => wanted.includes(status)).length;
    const [killed, alive] = [count("Killed", "Timeout"), count("Survived", "NoCoverage")];
    const percent = ((killed / (killed + alive)) * 100).toFixed(1);
    return `${source.padEnd(32)} ${percent.padStart(5)} %   ${killed} noticed, ${alive} not`;
  } catch {
    return `${source.padEnd(32)} not run`;
  }
}

const [wanted = ""] = process.argv.slice(2);
const named = pieces.filter(([source]) => basename(source, ".ts") === wanted);
const chosen = named.length > 0 ? named : pieces.filter(([source]) => basename(source, ".ts").includes(wanted));
for (const [source, tests] of chosen) await mutate(source, tests);
for (const [source] of pieces) process.stdout.write(`${await score(source)}\n`);
