import { Socket } from "node:net";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { serveCourier } from "#trust/courier-serve.ts";

/** The descriptor that the agent leaves to it: one end of a socket pair. */
const line = 3;

/** Started by the agent, as a user that nobody is; nobody types it. */
export const command: Command = {
  run: async () => {
    await serveCourier(new Socket({ fd: line }));
    return exitCodes.ok[0];
  },
};
