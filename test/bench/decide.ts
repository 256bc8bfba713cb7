import { instantOf } from "#lib/pure/instant.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema, type Evidence } from "#policy/evidence.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { catalogText, policyText, toolId } from "./register.ts";
import { quantile, type Bench, type Row } from "./table.ts";

const at = instantOf(Date.parse("2026-07-11T00:00:00Z"));
const device = deviceOf(deviceSchema.parse({ id: "d", installed: ["qoder"], vital: ["8:1:1", "8:1:2"] }));

/**
 * What a workstation shows: innocent programs, the approved tool, and banned ones by each kind of identity.
 * @param hit how many different tools are met
 */
function evidenceOf(hit: number, i: number): Evidence {
  const banned = toolId((i * 7919) % hit);
  const kinds = [
    { package: { absent: true }, path: { value: ["/usr/bin/git"] }, name: { value: ["git"] } },
    {
      package: { value: [{ ecosystem: "npm", id: "typescript" }] },
      path: { value: [`/home/ann/work/p${i}/node_modules/typescript/bin/tsc`] },
      name: { value: ["tsc", "node"] },
    },
    {
      package: { value: [{ ecosystem: "npm", id: "@qoder-ai/qodercli" }] },
      path: { value: ["/usr/lib/node_modules/@qoder-ai/qodercli/bundle/qodercli.js"] },
      name: { value: ["qodercli.js"] },
    },
    {
      package: { value: [{ ecosystem: "npm", id: `@vendor/${banned}` }] },
      path: { value: [`/opt/${banned}/bin/run`] },
      name: { value: ["run"] },
    },
    {
      package: { absent: true },
      path: { value: [`/home/ann/.local/share/${banned}-2.1/bin/run`] },
      name: { value: [`run-${banned}`] },
    },
  ];
  const file = { path: "/x", dev: "8:1", ino: String(i + 10), size: 1 };
  return evidenceSchema.parse({ id: `e${i}`, kind: "exec", file, seen: kinds[i % kinds.length] });
}

function timeDecide(m: Matcher, evidence: readonly Evidence[]): Float64Array {
  const times = new Float64Array(evidence.length);
  for (const [i, e] of evidence.entries()) {
    const start = performance.now();
    decide(m, e, at, device);
    times[i] = (performance.now() - start) * 1000;
  }
  return times;
}

function heap(): number {
  if (gc === undefined) throw new Error("run it with --expose-gc, as `npm run bench` does");
  gc();
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

interface Measured {
  readonly p50: number;
  readonly p99: number;
}

/** In turns, so that no one has the warmer code or the smaller heap. @param worlds each with how many tools it meets */
function measure(worlds: readonly (readonly [m: Matcher, hit: number])[]): readonly Measured[] {
  const runs = worlds.map(([m, hit]) => {
    const evidence = Array.from({ length: 20_000 }, (_, i) => evidenceOf(hit, i));
    return { m, evidence, rounds: new Array<Float64Array>() };
  });
  for (let i = 0; i < 10; i += 1)
    for (const { m, evidence, rounds } of runs) {
      const times = timeDecide(m, evidence);
      if (i > 2) rounds.push(times);
    }
  return runs.map(({ rounds }) => {
    const middle = (q: number): number =>
      quantile(
        Float64Array.from(rounds, (times) => quantile(times, q)),
        0.5,
      );
    return { p50: middle(0.5), p99: middle(0.99) };
  });
}

export const bench: Bench = {
  title: "one decision among few bans and among 100,000, and what 100,000 cost to load",
  run: () => {
    const small = compile(parsePolicy(policyText(10)), parseCatalog(catalogText(10)));
    const [policyBytes, catalogBytes] = [policyText(100_000), catalogText(100_000)];
    const catalog = parseCatalog(catalogBytes);
    const rounds: (readonly [parse: number, compile: number])[] = [];
    let m: Matcher | undefined;
    let before = 0;
    for (let i = 0; i < 5; i += 1) {
      m = undefined;
      before = heap();
      const start = performance.now();
      const policy = parsePolicy(policyBytes);
      const parsed = performance.now();
      m = compile(policy, catalog);
      rounds.push([parsed - start, performance.now() - parsed]);
    }
    if (m === undefined) throw new Error("nothing was compiled");
    const memory = heap() - before;
    const none = { p50: Number.NaN, p99: Number.NaN };
    const [few = none, many = none, cold = none] = measure([
      [small, 10],
      [m, 10],
      [m, 100_000],
    ]);
    const [parse, compiled] = rounds.toSorted((a, b) => a[0] + a[1] - b[0] - b[1])[0] ?? [Number.NaN, Number.NaN];
    const rows: readonly Row[] = [
      { name: "decide at 10 bans, p50", value: few.p50, unit: "µs" },
      { name: "decide at 10 bans, p99", value: few.p99, unit: "µs" },
      { name: "decide at 100,000 bans, p50", value: many.p50, unit: "µs", against: few.p50, bound: few.p50 * 1.5 },
      { name: "decide at 100,000 bans, p99", value: many.p99, unit: "µs", against: few.p99, bound: 5 },
      { name: "the same, every hit another tool, p50", value: cold.p50, unit: "µs", against: few.p50 },
      { name: "the same, every hit another tool, p99", value: cold.p99, unit: "µs", against: few.p99 },
      { name: `parse 100,000 bans (${(policyBytes.length / 2 ** 20).toFixed(1)} MiB)`, value: parse, unit: "ms" },
      { name: "compile them", value: compiled, unit: "ms" },
      { name: "both, the best of 5", value: parse + compiled, unit: "ms", bound: 2000 },
      { name: "memory for them, policy and matcher", value: memory, unit: "MiB", bound: 150 },
    ];
    return Promise.resolve(rows);
  },
};
