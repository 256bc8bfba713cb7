import { parseArgs } from "node:util";
import { nobody, type Enforcer } from "./enforcer.ts";
import { edict } from "./edict.ts";
import { fapolicyd, fapolicydVersion } from "./fapolicyd.ts";
import { install } from "./install.ts";
import { disguises } from "./disguises.ts";
import { give, makePlace } from "./place.ts";
import { runMatrix, type Case, type Cell } from "./matrix.ts";
import { inCell } from "./table.ts";
import { isTool, type Build } from "./tool.ts";
import { buildBun, buildNative, buildPython, buildScript } from "./tools.ts";

const builds: readonly Build[] = [buildNative, buildBun, buildScript, buildPython];

/** The whole matrix, in a root file system that nobody else sees. Gives the exit code. */
export async function lay(args: readonly string[]): Promise<number> {
  const { values: only } = parseArgs({
    args: [...args],
    options: {
      disguise: { type: "string" },
      tool: { type: "string" },
      enforcer: { type: "string" },
      verbose: { type: "boolean" },
    },
  });
  const place = makePlace();
  install(["gcc", "libc6-dev", "sudo", "fapolicyd", "upx-ucl"]);
  const built = builds.map((build) => build(place));
  for (const why of built.filter((one) => typeof one === "string")) console.log(`skipped: ${why}`);
  const tools = built.filter(isTool).filter(({ kind }) => only.tool === undefined || only.tool === kind);
  give(place, place.home);
  const cases = disguises
    .filter(({ id }) => only.disguise === undefined || id.includes(only.disguise))
    .flatMap((disguise) => tools.map((tool): Case => ({ disguise, tool })));
  const control = await runWith(nobody, cases);
  const works = new Set(control.filter(({ result }) => result.is === "missed").map(keyOf));
  const possible = cases.filter((one) => works.has(keyOf(one)));
  const wanted = (name: string): boolean => only.enforcer === undefined || only.enforcer === name;
  const agent = await edict(tools, place, (text) => only.verbose === true && console.log(text));
  try {
    if (wanted("edict")) await runWith(agent, possible);
  } finally {
    await agent.close();
  }
  const have = fapolicydVersion();
  if ("not" in have) console.log(`skipped: ${have.not}`);
  else if (wanted("fapolicyd")) await runWith(fapolicyd(tools), possible);
  return 0;

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
