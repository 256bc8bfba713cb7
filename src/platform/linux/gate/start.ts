import { setTimeout as after } from "node:timers/promises";
import type { GateEnd, GateProcess } from "#platform/gate.ts";
import { startGateProcess } from "#platform/commands.ts";
import { NotePage } from "#platform/linux/gate/note.ts";
import { cannotEnd, leftStuck, letGo } from "#platform/linux/gate/stuck.ts";
import type { Libc } from "#platform/linux/libc.ts";

/** Milliseconds between two looks at whether it is one that cannot end. */
const lookEvery = 250;

/** Starts the gate's process, with a page for its note; without one where there is no memory for it. @throws PlatformError */
export function startGate(libc: Libc): GateProcess {
  for (const pid of leftStuck()) void letGo(pid, libc).catch(() => undefined); // it has ended meanwhile
  const page = openPage(libc);
  try {
    const { ended, ...process } = startGateProcess(page?.fd);
    const end = Promise.race([ended, stuck(process.pid, ended, libc)]).then((how): GateEnd => {
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

/** How it ended; or "SIGKILL", when that was sent and does not end it, and whoever waited for it has been let go. */
async function stuck(pid: number, ended: Promise<string>, libc: Libc): Promise<string> {
  let over = false;
  void ended.then(() => (over = true));
  for (;;) {
    await after(lookEvery);
    if (over) return ended;
    if (!cannotEnd(pid)) continue;
    try {
      await letGo(pid, libc);
      return "SIGKILL";
    } catch {
      // It has ended meanwhile, or it is tried again.
    }
  }
}

function openPage(libc: Libc): NotePage | undefined {
  try {
    return new NotePage(libc);
  } catch {
    return undefined; // no memory, or no descriptor: a gate without a note is a gate
  }
}
