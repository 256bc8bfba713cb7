import { runGate } from "#agent/gate.ts";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";

/** Started by the agent, which supervises it; nobody types it. */
export const command: Command = {
  run: async (_input, { clock }) => {
    await runGate(clock);
    return exitCodes.ok[0];
  },
};
