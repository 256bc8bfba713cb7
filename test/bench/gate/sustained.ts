import { quantile, type Row } from "../table.ts";
import type { Condition } from "./conditions.ts";
import { paired, rowsOf } from "./paired.ts";
import { storm, type Sample } from "./storm.ts";

/** In the first minute what is remembered fills; in the second it must not grow. */
const [filling, seconds] = [60, 120];
/** How much more memory the end of that minute may have than its beginning: what a collector leaves until its next turn. */
const growth = 1.05;

/** The first, the middle and the last fifth of the second minute, each by itself: what drifts is seen. */
function flat(name: string, all: readonly Sample[]): readonly Row[] {
  const samples = all.slice(filling);
  const memories: number[] = [];
  const part = (word: string, share: number): readonly Row[] => {
    const from = Math.floor((samples.length - 1) * share);
    const to = Math.min(samples.length - 1, Math.max(from + 1, Math.ceil((samples.length - 1) * (share + 0.2))));
    const [a, b] = [samples[from], samples[to]];
    if (a === undefined || b === undefined) return [];
    const memory = quantile(
      Float64Array.from(samples.slice(from, to), (s) => s.memory),
      0.5,
    );
    memories.push(memory);
    const [time, execs] = [b.seconds - a.seconds, b.allowed + b.denied - a.allowed - a.denied];
    return [
      { name: `${name}, ${word}: executions`, value: execs / time, unit: "/s" },
      { name: `${name}, ${word}: CPU`, value: (100 * (b.cpu - a.cpu)) / time, unit: "% of a core" },
      { name: `${name}, ${word}: Private_Dirty`, value: memory, unit: "MB" },
    ];
  };
  const rows = [...part("first fifth", 0), ...part("middle fifth", 0.4), ...part("last fifth", 0.8)];
  const [begin = Number.NaN, end = Number.NaN] = [memories.at(0), memories.at(-1)];
  return [
    ...rows,
    { name: `${name}: Private_Dirty, last fifth to first`, value: end / begin, unit: "×", bound: growth },
  ];
}

function whole(name: string, samples: readonly Sample[]): readonly Row[] {
  const last = samples.at(-1);
  if (last === undefined) return [];
  return [
    { name: `${name}: executions allowed`, value: last.allowed, unit: "" },
    { name: `${name}: executions denied`, value: last.denied, unit: "" },
    { name: `${name}: wrong answers`, value: last.wrong, unit: "", bound: 0 },
    { name: `${name}: executions that never ended`, value: last.running, unit: "", bound: 0 },
  ];
}

/** Process trees at full speed on all cores, a second at a time: microseconds an execution. */
export async function pace(trees: string, conditions: readonly Condition[]): Promise<readonly Row[]> {
  const short = await paired(conditions, 20, async (condition) => {
    const last = (await storm(trees, condition, 1)).at(-1);
    return Float64Array.of(last === undefined ? Number.NaN : (last.seconds * 1e6) / (last.allowed + last.denied));
  });
  return rowsOf("trees, time an execution", short);
}

/** For two minutes: every answer, and what the watcher uses meanwhile. */
export async function steady(trees: string, condition: Condition): Promise<readonly Row[]> {
  const name = `trees for ${seconds} s: ${condition.name}`;
  const samples = await storm(trees, condition, seconds);
  const troubles = condition.watcher?.troubles?.();
  const told: readonly Row[] =
    troubles === undefined
      ? []
      : [
          { name: `${name}: let go before they were judged`, value: troubles.late, unit: "" },
          { name: `${name}: questions lost by the kernel`, value: troubles.overflows, unit: "", bound: 0 },
        ];
  return [...whole(name, samples), ...told, ...flat(name, samples)];
}
