import { cpus, release, totalmem, type } from "node:os";
import { tableOf, type Bench } from "./table.ts";

/** Every bench; a room adds its own line. */
const benches: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  decide: () => import("./decide.ts"),
  sweep: () => import("./sweep.ts"),
  idle: () => import("./idle.ts"),
  latency: () => import("./latency.ts"),
  gate: () => import("./gate.ts"),
  stream: () => import("./stream.ts"),
  audit: () => import("./audit.ts"),
  trust: () => import("./trust.ts"),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`no bench ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exitCode = 2;
} else {
  const [cpu] = cpus();
  console.log(
    `${cpus().length} × ${cpu?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.versions.node}\n`,
  );
  for (const [name, load] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const { bench } = await load();
    console.log(`## ${name}: ${bench.title}\n`);
    console.log(tableOf(await bench.run(), bench.peer));
  }
}
