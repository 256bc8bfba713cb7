import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lay, manifestOf, type Laid } from "./layouts.ts";
import { audit, catalog, decision, versionWithoutNetwork, type Finding } from "./look.ts";
import { record } from "./recording.ts";
import { tools, type RealTool } from "./tools.ts";

/** A part of the list, by the ids of tools: EDICT_REAL=codex,amp. */
const wanted = process.env["EDICT_REAL"]?.split(",");
const report: string[] = [];

const base = realpathSync(mkdtempSync(join(tmpdir(), "edict-real-")));
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
  console.log(
    ["tool | package | layout | audit says | the agent says | --version without network", ...report].join("\n"),
  );
});

/** Whether a program that is carried away can still be known: only by what is in its bytes. */
function isInBytes(tool: string): boolean {
  const identities = catalog.tools.find(({ id }) => id === tool)?.identities ?? [];
  return identities.some(({ kind, grade }) => (kind === "marker" || kind === "hash") && grade !== "hint");
}

test.each(tools.filter(({ tool }) => wanted?.includes(tool) ?? true))(
  "$npm is known as $tool in every layout, with its version",
  async (tool: RealTool) => {
    const home = join(base, tool.tool);
    mkdirSync(home);
    try {
      const laid = lay(home, tool);
      const { version } = manifestOf(join(home, ".npm-global/lib/node_modules", tool.npm));
      const says = [];
      for (const one of laid) says.push({ ...one, ...(await heard(home, tool, one)) });
      report.push(...says.map((one) => lineOf(tool, version, one)));
      await record(tool, version, says);
      const said = says.map(({ layout, own, mode }) => [layout, own?.grade === "proof", own?.version ?? null, mode]);
      const installed = ["global", "prefix", "npx", "pnpm"].map((layout) => [layout, true, version, "block"]);
      // Where scripts would have fetched the tool, nothing of it is there to be carried away: then nothing of it runs.
      const inBytes = isInBytes(tool.tool) && says.some(({ ran }) => !ran.startsWith("("));
      expect(said).toEqual([...installed, ["copied", inBytes, null, inBytes ? "block" : "allow"]]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
);

interface Heard {
  readonly findings: readonly Finding[];
  /** What is said of the tool itself. */
  readonly own: Finding | undefined;
  readonly mode: string;
  readonly ran: string;
}

async function heard(home: string, { tool }: RealTool, { folder, entry }: Laid): Promise<Heard> {
  const findings = await audit(folder);
  const ofTool = findings.filter((finding) => finding.tool === tool);
  const own = ofTool.find(({ grade }) => grade === "proof") ?? ofTool[0];
  return { findings, own, mode: await decision(tool, entry), ran: versionWithoutNetwork(home, entry) };
}

function lineOf({ tool, npm }: RealTool, version: string, { layout, own, mode, ran }: Laid & Heard): string {
  const known =
    own === undefined
      ? "nothing: what it is cannot be known"
      : `${own.grade}, ${own.version ?? "no version"}, ${own.known[0]?.text ?? ""}`;
  return [tool, `${npm}@${version}`, layout, known, mode, ran].join(" | ");
}
