// Which changes to the code that decides what is believed does no test notice? Each file by itself, with the tests that are about it:
//   npm run mutation              all of them; takes hours
//   npm run mutation verify       that file; or those whose name holds "verify" where none is called so
//   npm run mutation -- --score   what the last runs found
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../", import.meta.url));

const bytes = "test/trust/{fields,trusted-set,keys,delegations,delegated,bounds,clock}.test.ts";
const devices =
  "test/trust/{bounds,clock,client,groups,delegated}.test.ts test/trust/attacks/{attacks,published}.test.ts";
const disk = "test/trust/{store,groups,client,bounds,delegated}.test.ts";
const courier = "test/trust/courier*.test.ts";
const merged = "test/policy/merge*.test.ts";

/** Source file → its tests; none of those that wait on purpose, but where nothing else looks at what is waited for. */
const pieces: readonly (readonly [source: string, tests: string])[] = [
  ["src/trust/canonical.ts", "test/trust/canonical.test.ts"],
  ...["delegations", "error", "fields", "limits", "metadata", "sha256", "trusted-set", "verify"].map(
    (name) => [`src/trust/${name}.ts`, bytes] as const,
  ),
  ...["client", "follow", "generation", "parts", "state", "status", "together", "updater"].map(
    (name) => [`src/trust/${name}.ts`, devices] as const,
  ),
  ["src/trust/fetcher.ts", `${devices} test/trust/faults.test.ts test/trust/attacks/slow.test.ts`],
  ["src/trust/generations.ts", disk],
  ["src/trust/store.ts", disk],
  ...["courier", "courier-line", "courier-serve"].map((name) => [`src/trust/${name}.ts`, courier] as const),
  ...["merge", "merge-grants", "merge-group"].map((name) => [`src/policy/${name}.ts`, merged] as const),
];

/** Mutation testing elements' report, as much of it as is read here. */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
}

const reportOf = (source: string): string => join(here, "reports/mutation", `${basename(source, ".ts")}.json`);

async function mutate(source: string, tests: string): Promise<void> {
  const stryker = join(here, "node_modules/@stryker-mutator/core/bin/stryker.js");
  const env = { ...process.env, MUTATION_TESTS: tests, MUTATION_REPORT: reportOf(source) };
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
