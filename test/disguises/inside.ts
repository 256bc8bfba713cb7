import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { aboutThisRun } from "./about.ts";
import { disguises } from "./disguises.ts";
import { edict } from "./edict.ts";
import { nobody, type Enforcer } from "./enforcer.ts";
import { fapolicyd, fapolicydVersion } from "./fapolicyd.ts";
import { install } from "./install.ts";
import { runMatrix, type Case, type Cell } from "./matrix.ts";
import { give, makePlace } from "./place.ts";
import { faultsIn, inCell, page, type Column } from "./table.ts";
import { isTool, type Build, type Kind } from "./tool.ts";
import { buildBun, buildNative, buildPython, buildScript } from "./tools.ts";

const builds: Readonly<Record<Kind, Build>> = {
  native: buildNative,
  bun: buildBun,
  script: buildScript,
  python: buildPython,
};
const options = {
  /** Only disguises of exactly this id, these tools, this enforcer. */
  disguise: { type: "string", multiple: true },
  tool: { type: "string", multiple: true },
  enforcer: { type: "string" },
  /** What the agent logged, too. */
  verbose: { type: "boolean" },
} as const;

const pageDescriptor = 3;

/** The whole matrix, in a root file system that nobody else sees. Gives the exit code: 1 where somebody must look at a cell. */
export async function lay(args: readonly string[]): Promise<number> {
  const { values: only } = parseArgs({ args: [...args], options });
  const place = makePlace();
  const asked = (id: string): boolean => only.disguise?.includes(id) !== false;
  const wanted = { sudo: asked("through sudo"), "upx-ucl": asked("UPX"), fapolicyd: only.enforcer !== "edict" };
  install(["gcc", "libc6-dev", ...Object.entries(wanted).flatMap(([name, is]) => (is ? [name] : []))]);
  const built = Object.entries(builds)
    .filter(([kind]) => only.tool?.includes(kind) !== false)
    .map(([, build]) => build(place));
  for (const why of built.filter((one) => typeof one === "string")) console.log(`skipped: ${why}`);
  const tools = built.filter(isTool);
  give(place, place.home);
  const cases = disguises
    .filter(({ id }) => asked(id))
    .flatMap((disguise) => tools.map((tool): Case => ({ disguise, tool })));

  const control = await runWith(nobody, cases);
  const works = new Set(control.filter(({ result }) => result.is === "missed").map(keyOf));
  const possible = cases.filter((one) => works.has(keyOf(one)));
  const impossible = control.filter((one) => !works.has(keyOf(one)));
  const columns: Column[] = [];

  if (only.enforcer !== "fapolicyd") {
    const agent = await edict(tools, place, (text) => only.verbose === true && console.log(text));
    try {
      const cells = await runWith(agent, possible);
      columns.push({ enforcer: "edict", title: "Edict", cells: [...cells, ...impossible] });
    } finally {
      await agent.close();
    }
  }
  const have = only.enforcer === "edict" ? undefined : fapolicydVersion();
  if (have !== undefined && "not" in have) console.log(`skipped: ${have.not}`);
  else if (have !== undefined) {
    const cells = await runWith(fapolicyd(tools), possible);
    columns.push({ enforcer: "fapolicyd", title: `fapolicyd ${have.version}`, cells: [...cells, ...impossible] });
  }
  writeFileSync(pageDescriptor, page(aboutThisRun(tools), tools, columns));
  const faults = columns.flatMap(faultsIn);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  return faults.length === 0 ? 0 : 1;

  async function runWith(enforcer: Enforcer, of: readonly Case[]): Promise<readonly Cell[]> {
    console.log(`\n${enforcer.name}`);
    return runMatrix(place, of, enforcer, ({ disguise, tool, result }) => {
      console.log(`  ${disguise.id}, ${tool.kind}: ${inCell(result)}${"why" in result ? ` (${result.why})` : ""}`);
    });
  }
}

function keyOf({ disguise, tool }: Case): string {
  return `${disguise.id} ${tool.kind}`;
}
