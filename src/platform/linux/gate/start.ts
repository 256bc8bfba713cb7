import type { GateProcess } from "#platform/gate.ts";
import { startGateProcess } from "#platform/commands.ts";
import { NotePage } from "#platform/linux/gate/note.ts";
import type { Libc } from "#platform/linux/libc.ts";

/** Starts the gate's process, with a page for its note; without one where there is no memory for it. @throws PlatformError */
export function startGate(libc: Libc): GateProcess {
  const page = openPage(libc);
  try {
    const { ended, ...process } = startGateProcess(page?.fd);
    const end = ended.then((how) => {
      // Whatever else ends it says another word: a switch kills.
      const device = how === "SIGKILL" ? page?.stoodOn() : undefined;
      page?.close();
      return device === undefined ? { how } : { how: `it stood still while it read from ${device}`, stoodOn: device };
    });
    return { ...process, ended: end };
  } catch (error) {
    page?.close();
    throw error;
  }
}

function openPage(libc: Libc): NotePage | undefined {
  try {
    return new NotePage(libc);
  } catch {
    return undefined; // no memory, or no descriptor: a gate without a note is a gate
  }
}
