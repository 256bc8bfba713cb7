import { writeSync } from "node:fs";
import { systemClock } from "#lib/clock.ts";
import { openOutbox } from "#report/outbox.ts";
import { toEvent } from "#report/ocsf.ts";
import { device, outcome } from "./samples.ts";

/** A process that spools as fast as it can and says each uid that is safe, until somebody kills it. */
const outbox = await openOutbox(process.argv[2] ?? "", { clock: systemClock, maxBytes: 1 << 30 });
const event = toEvent(outcome("stopped"), device);
if (event === undefined) throw new Error("the sample matches a ban");

async function write(): Promise<never> {
  for (;;) {
    if (event === undefined) throw new Error("the sample matches a ban");
    const uid = await outbox.put(event);
    writeSync(1, `${uid}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, write));
