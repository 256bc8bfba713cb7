// Puts a policy of so many bans into force, some times, as the agent does. Says how long each time took, and the most of it in one piece.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Groups } from "#agent/groups.ts";
import { Policies } from "#agent/policies.ts";
import { openState } from "#agent/state.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { generationOf } from "../../fakes/generation.ts";
import { catalogText, policyText } from "../register.ts";
import { timed, type Timed } from "./gap.ts";

export interface Activations {
  readonly policyBytes: number;
  readonly all: readonly Timed[];
}
interface Task {
  readonly bans: number;
  /** Whether the policy brings the tools that it bans, beside the shipped catalog; else they are the catalog. */
  readonly ownTools: boolean;
  readonly catalog: string;
  readonly times: number;
}

const { bans, ownTools, catalog: shipped, times } = JSON.parse(process.argv[2] ?? "") as Task; // the bench writes it
const folder = mkdtempSync(join(tmpdir(), "edict-bench-activation-"));
const policies = new Policies({
  clock: systemClock,
  state: openState(folder, quiet),
  vital: ["/opt/backup/agent"],
  floor: () => instantOf(0),
  os: "linux",
  groups: new Groups("device", []),
});
const policy = ownTools ? withTools(policyText(bans), catalogText(bans)) : policyText(bans);
const catalog = ownTools ? readFileSync(shipped) : catalogText(bans);
const all: Timed[] = [];
for (let i = 1; i <= times; i += 1)
  all.push(
    await timed(async () => {
      const activation = await policies.activate(generationOf(i, policy, catalog));
      if (!activation.activated) throw new Error(activation.why);
    }),
  );
rmSync(folder, { recursive: true });
const said: Activations = { policyBytes: policy.length, all };
process.stdout.write(`${JSON.stringify(said)}\n`);

function withTools(text: Buffer, tools: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ ...JSON.parse(text.toString()), tools: JSON.parse(tools.toString()).tools }));
}
