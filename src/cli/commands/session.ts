import { Readable } from "node:stream";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { connect } from "#session/notifications.ts";
import { openLink } from "#session/open-link.ts";
import { runSession } from "#session/session.ts";

/** Started by the agent, as the person whose desktop it is; nobody types it. */
export const command: Command = {
  run: async (_input, { stdin, out, env }) => {
    const bus = env["DBUS_SESSION_BUS_ADDRESS"];
    await runSession({
      input: stdin,
      say: (message) => out(`${JSON.stringify(message)}\n`),
      connect: (events) =>
        bus === undefined ? Promise.reject(new Error("there is no session bus")) : connect(bus, events),
      open: (url) => openLink(url, env),
    });
    // When it was the bus that ended, the agent's end is still open, and would keep us here.
    if (stdin instanceof Readable) stdin.destroy();
    return exitCodes.ok[0];
  },
};
