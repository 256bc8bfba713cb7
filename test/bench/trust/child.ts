import { timed, type Timed } from "./gap.ts";
import type { Device, Place } from "./device.ts";

/** What a child is told, as its one argument. */
export interface Task extends Place {
  /** Looks after the first. */
  readonly again: number;
}

/** In a process of its own: the first look, and some more; says how long the first took, and stays until it is killed. */
export async function look(open: (place: Place) => Device): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? "") as Task; // the bench writes it
  const device = open(task);
  const first: Timed = await timed(() => device.first());
  for (let i = 0; i < task.again; i += 1) await device.again();
  process.stdout.write(`${JSON.stringify(first)}\n`);
  setInterval(() => undefined, 60_000);
}
