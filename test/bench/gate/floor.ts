import { selectPlatform } from "#platform/select.ts";
import type { Finding } from "#platform/gate.ts";

/**
 * floor.c once more by Edict's own reactor: the same waiting and answering as its gate has, and nothing looked at. Its
 * words are mount points; the agent's end of the control socket is its standard input.
 */
const gate = (await selectPlatform()).openGate?.(0);
if (gate === undefined) throw new Error("there is no gate here");
gate.mark(process.argv.slice(2), []);
process.stdout.write("ready\n");

// oxlint-disable-next-line require-yield
function* allow(): Finding {
  return "allow";
}
await gate.serve({
  find: allow,
  late: () => "allow",
  hear: () => undefined,
  overflowed: () => console.error("the kernel's queue was full"),
  marked: () => undefined,
});
