import { z } from "zod";
import { CommandError, type Command, type Io } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { selectPlatform } from "#platform/select.ts";
import { statusSchema } from "#protocol/status.ts";

const healthSchema = statusSchema.pick({ capabilities: true, warnings: true });
type Health = z.infer<typeof healthSchema>;

/** What each line of the machine is for, for the person who reads, and what it means when it is down. */
const lines: Readonly<Record<string, { readonly title: string; readonly up: string; readonly down: string }>> = {
  seeEveryone: {
    title: "seeing programs",
    up: "the programs of everybody on this machine are seen",
    down: "a banned tool that somebody else runs is not noticed",
  },
  stop: {
    title: "stopping programs",
    up: "a banned tool that runs can be stopped, and no other in its place",
    down: "a banned tool is recorded and its user told, but it goes on running",
  },
  quarantine: {
    title: "quarantine",
    up: "an installed banned tool can be moved away, and given back",
    down: "where a ban says remove, what is installed stays where it is",
  },
  terminal: {
    title: "words in the terminal",
    up: "whoever is stopped reads why in their own terminal",
    down: "whoever is stopped reads why in a toast only",
  },
  session: {
    title: "toasts",
    up: "whoever sits at a desktop of this machine is told there",
    down: "whoever is stopped reads why in the terminal only",
  },
  gate: {
    title: "denying a start",
    up: "a banned tool does not even begin to run",
    down: "a banned tool is stopped within seconds after it started, not before",
  },
  stream: {
    title: "noticing at once",
    up: "every start is noticed as it happens",
    down: "a program that ends between two looks is not noticed",
  },
};

/** The running agent's own word, or undefined where none answers. */
async function askAgent(io: Io): Promise<Health | undefined> {
  try {
    return healthSchema.parse(await ask({ ask: "doctor" }, io));
  } catch (error) {
    if (error instanceof CommandError && error.code === exitCodes.noAgent[0]) return undefined;
    throw error;
  }
}

function words(health: Health, agent: boolean): readonly string[] {
  const shown = Object.entries(health.capabilities).flatMap(([name, state]) => {
    const line = lines[name] ?? { title: name, up: "it works", down: "it does not work" };
    const head = `${state.up ? "up  " : "down"}  ${line.title}: `;
    return state.up ? [`${head}${line.up}`] : [`${head}${line.down}`, `      because ${state.why}`];
  });
  return [
    agent
      ? "The agent runs. What it can do on this machine:"
      : "No agent answers here (systemctl status edict). What this user could do on this machine:",
    ...shown,
    ...health.warnings.map((w) => `${w.severity === "error" ? "!" : "·"} ${w.title}: ${w.text}`),
  ];
}

export const command: Command = {
  options: [["--json", "print JSON"]],
  run: async (input, io) => {
    const answer = await askAgent(io);
    const health = answer ?? { capabilities: { ...(await selectPlatform()).capabilities }, warnings: [] };
    const agent = answer !== undefined;
    io.out(
      input.options["json"] === true
        ? `${JSON.stringify({ agent, ...health })}\n`
        : `${words(health, agent).join("\n")}\n`,
    );
    return exitCodes.ok[0];
  },
};
