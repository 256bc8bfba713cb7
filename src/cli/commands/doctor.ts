import { z } from "zod";
import { CommandError, type Command, type Io } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { jsonLine, printable } from "#cli/printable.ts";
import { lineTitles, linesOf, meaningOf } from "#platform/meaning.ts";
import { usualSweepSeconds } from "#platform/capabilities.ts";
import { selectPlatform } from "#platform/select.ts";
import { statusSchema } from "#protocol/status.ts";

const healthSchema = statusSchema.pick({ capabilities: true, lines: true, warnings: true });
type Health = z.infer<typeof healthSchema>;

/** The running agent's own word, or undefined where none answers. */
async function askAgent(io: Io): Promise<Health | undefined> {
  try {
    return healthSchema.parse(await ask({ ask: "doctor" }, io));
  } catch (error) {
    if (error instanceof CommandError && error.code === exitCodes.noAgent[0]) return undefined;
    throw error;
  }
}

/** Warnings of what the lines and the other capabilities say themselves. */
const saidAbove: ReadonlySet<string> = new Set(["limited", "line-down", "gate-behind"]);

/** Where no agent runs, nothing is up: what would be, could be. */
function words(health: Health, agent: boolean): readonly string[] {
  const row = (can: boolean, title: string, means: string, why: string | null): readonly string[] => [
    `${agent ? (can ? "up  " : "down") : can ? "able" : "not "}  ${title}: ${printable(means)}`,
    ...(why === null ? [] : [`      because ${printable(why)}`]),
  ];
  const { gate, stream, sweep } = health.lines;
  const rest = Object.entries(health.capabilities).flatMap(([name, state]) => {
    const meaning = meaningOf(name);
    if (meaning === undefined) return [];
    return row(state.up, meaning.title, state.up ? meaning.up : meaning.down, state.up ? null : state.why);
  });
  return [
    agent
      ? "The agent runs. What stands between a person and a banned program here:"
      : "No agent answers here (systemctl status edict). What an agent of this user could put between a person and a banned program:",
    ...row(gate.up, lineTitles.gate, gate.means, gate.why),
    ...row(stream.up, lineTitles.stream, stream.means, stream.why),
    ...row(sweep.up, lineTitles.sweep, sweep.means, sweep.why),
    agent ? "What else it can do:" : "What else it could do:",
    ...rest,
    ...health.warnings
      .filter(({ code }) => !saidAbove.has(code))
      .map((w) => `${w.severity === "error" ? "!" : "·"} ${printable(w.title)}: ${printable(w.text)}`),
  ];
}

/** What an agent that this user starts could do, as far as the machine goes. */
async function withoutAgent(): Promise<Health> {
  const { capabilities } = await selectPlatform();
  const { gate, stream, seeEveryone } = capabilities;
  const lines = linesOf({ gate, stream, sweep: { up: true }, seeEveryone, sweepSeconds: usualSweepSeconds(stream.up) });
  return { capabilities: { ...capabilities }, lines, warnings: [] };
}

export const command: Command = {
  options: [["--json", "print JSON"]],
  run: async (input, io) => {
    const answer = await askAgent(io);
    const health = answer ?? (await withoutAgent());
    const agent = answer !== undefined;
    io.out(input.options["json"] === true ? jsonLine({ agent, ...health }) : `${words(health, agent).join("\n")}\n`);
    return exitCodes.ok[0];
  },
};
