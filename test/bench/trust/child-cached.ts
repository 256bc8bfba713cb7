// Verifies what lies in a device's folder: each time as a start does, with a new client. Says how many milliseconds each took.
import type { Task } from "./child.ts";
import { clientAt } from "./ours.ts";

const { again, ...place } = JSON.parse(process.argv[2] ?? "") as Task; // the bench writes it
const times: number[] = [];
for (let i = 0; i <= again; i += 1) {
  const client = clientAt(place);
  const began = performance.now();
  const generation = await client.cached();
  times.push(performance.now() - began);
  if (generation === undefined) throw new Error("there is no generation");
  client.close();
}
process.stdout.write(`${JSON.stringify(times)}\n`);
