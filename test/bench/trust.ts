import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { loadCatalog } from "#cli/catalog.ts";
import { systemClock } from "#lib/clock.ts";
import { startEstate } from "./estate.ts";
import { family, memory, ship, textOf, until } from "./shipped.ts";
import { quantile, type Bench, type Row } from "./table.ts";
import { ask, bareMemory, bundleChildren, memoryOf, type Kind } from "./trust/children.ts";
import type { Activations } from "./trust/child-activation.ts";
import type { Task } from "./trust/child.ts";
import type { Timed } from "./trust/gap.ts";
import { looks, polls } from "./trust/looks.ts";
import { ours } from "./trust/ours.ts";
import { bounded, rowsOf } from "./trust/rows.ts";
import { everyday, startServer, withGroups, withTargets, type Repository, type Server } from "./trust/served.ts";

interface Workshop {
  readonly folder: string;
  /** The children's bundles. */
  readonly children: string;
  /** What the server serves. */
  readonly web: string;
  readonly server: Server;
}

/** Groups of the repository, and rounds of looks at it. */
const sizes = [
  [3, 15],
  [100, 11],
  [1_000, 5],
] as const;

async function ofGroups(shop: Workshop, bare: number): Promise<readonly Row[]> {
  const { folder, children, web, server } = shop;
  const rows: Row[] = [];
  for (const [count, rounds] of sizes) {
    const repository = await withGroups(web, count);
    rows.push(...(await looks(folder, server, repository, count, rounds)));
    rows.push(...(await polls(folder, server, repository, count)));
    for (const [name, kind] of [
      ["ours", "ours"],
      ["tuf-js", "peer"],
    ] as const) {
      const found = await memoryOf(children, kind, taskOf(shop, repository, 20));
      const value = found - bare;
      rows.push({ name: `${count} groups, 21 looks: ${name}, Private_Dirty over bare Node`, value, unit: "MB" });
      removeDevice(shop);
    }
  }
  return rows;
}

function taskOf({ folder, server }: Workshop, repository: Repository, again = 0): Task {
  const { root, groups, shard } = repository;
  const place = { dir: join(folder, "device"), url: server.url(repository), root, groups };
  return { ...place, again, ...(shard !== undefined && { shard }) };
}

function removeDevice({ folder }: Workshop): void {
  rmSync(join(folder, "device"), { recursive: true, force: true });
}

/** Seconds that tuf-js gets for a first look. */
const patience = 15;

const took = (list: readonly Timed[]): readonly number[] => list.map((one) => one.took);

/** Each look in a fresh process. */
async function ofTargets(shop: Workshop, count: number, rounds: number): Promise<readonly Row[]> {
  const task = taskOf(shop, await withTargets(shop.web, count));
  const [own, theirs]: [Timed[], Timed[]] = [[], []];
  let late = false;
  for (let i = 0; i < rounds; i += 1) {
    own.push((await ask(shop.children, "ours", task)) as Timed); // what child.ts says
    removeDevice(shop);
    const found = late ? undefined : ((await ask(shop.children, "peer", task, patience * 1000)) as Timed | undefined);
    if (found === undefined) late = true;
    else theirs.push(found);
    removeDevice(shop);
  }
  const what = `${count.toLocaleString("en")} targets, first look of a process`;
  const blocked = (name: string, list: readonly Timed[]): Row => ({
    name: `${what}: ${name}, longest that the event loop was blocked`,
    value: Math.max(...list.map((one) => one.blocked)),
    unit: "ms",
  });
  const given = { name: `${what}: tuf-js, given up after ${patience} s`, value: patience * 1000, unit: "ms" };
  if (late) return [...rowsOf(what, new Map([["ours", took(own)]]), "tuf-js"), given, blocked("ours", own)];
  const both = new Map([
    ["ours", took(own)],
    ["tuf-js", took(theirs)],
  ]);
  return [...rowsOf(what, both, "tuf-js"), blocked("ours", own), blocked("tuf-js", theirs)];
}

/** What a start verifies again before it enforces. */
async function ofCache(shop: Workshop): Promise<readonly Row[]> {
  const repository = await everyday(shop.web);
  const device = ours(taskOf(shop, repository));
  await device.first();
  device.close();
  const cached = async (again: number, kind: Kind = "cached"): Promise<readonly number[]> =>
    (await ask(shop.children, kind, taskOf(shop, repository, again))) as readonly number[]; // what both children say
  const [fresh, floor]: [number[], number[]] = [[], []];
  for (let i = 0; i < 50; i += 1) {
    fresh.push((await cached(0))[0] ?? Number.NaN);
    floor.push((await cached(0, "floor"))[0] ?? Number.NaN);
  }
  const warm = (await cached(100)).slice(51);
  removeDevice(shop);
  return [
    ...bounded("the cached chain verified again, in a warm process", warm, 5),
    ...bounded("the cached chain verified again, first of all in a fresh process", fresh, 5),
    {
      name: "the same files read, signatures verified and parts unpacked, by a fresh Node with nothing of ours, p50 of 50",
      value: quantile(Float64Array.from(floor), 0.5),
      unit: "ms",
    },
  ];
}

/** The process that fetches for the shipped agent, after some polls. */
async function ofCourier(): Promise<readonly Row[]> {
  const estate = await startEstate(readFileSync(examplePolicy), systemClock);
  try {
    const shipped = await ship();
    try {
      const agent = await shipped.start(estate, { enforcement: "observe", pollSeconds: 1 });
      try {
        await after(10_000);
        const courier = family(agent.pid).find((pid) => /courier-main\.mjs\0?$/.test(textOf(`/proc/${pid}/cmdline`)));
        if (courier === undefined) throw new Error("the agent has no courier");
        const { privateDirty, rss } = memory(courier);
        return [
          { name: "the courier as it is shipped: Private_Dirty", value: privateDirty, unit: "MB", bound: 30 },
          { name: "the courier as it is shipped: RSS", value: rss, unit: "MB" },
        ];
      } finally {
        await agent.stop();
      }
    } finally {
      shipped.remove();
    }
  } finally {
    await estate.close();
  }
}

/** A restart: the stored policy is verified, compiled and in force, the server not asked yet. */
async function ofStart(): Promise<readonly Row[]> {
  const estate = await startEstate(readFileSync(examplePolicy), systemClock);
  const shipped = await ship();
  try {
    const times: number[] = [];
    for (let i = 0; i < 16; i += 1) {
      const began = performance.now();
      const agent = await shipped.start(estate, { enforcement: "observe" });
      if (i > 0) times.push(performance.now() - began); // the first one had nothing stored
      await agent.stop();
    }
    const value = quantile(Float64Array.from(times), 0.5);
    return [
      {
        name: "the agent as it is shipped: from its start to the stored policy in force, p50 of 15",
        value,
        unit: "ms",
      },
    ];
  } finally {
    shipped.remove();
    await estate.close();
  }
}

/** A push: signed and published, seen by a device that waits at the server, verified and in force there. */
async function ofPush(): Promise<readonly Row[]> {
  const text = readFileSync(examplePolicy, "utf8");
  const estate = await startEstate(Buffer.from(text), systemClock);
  const shipped = await ship();
  try {
    const agent = await shipped.start(estate, { enforcement: "observe" });
    const figures = async (): Promise<string> => (await fetch(`${estate.settings.server}/metrics`)).text();
    const times: number[] = [];
    for (let version = 3; version < 10; version += 1) {
      await until("the device waits", async () => (await figures()).includes("edict_devices_waiting 1\n"));
      await after(15_000); // nobody pushes twice in a quarter of a minute
      await estate.publish(Buffer.from(text.replace("high-risk-software", `high-risk-software-${version}`)));
      const began = performance.now();
      await until("it is in force", () => textOf(join(estate.folder, "agent.log")).includes(`"version":${version}`));
      times.push(performance.now() - began);
    }
    await agent.stop();
    const name = "from a push to the policy in force on a device that waits for news";
    return [
      { name: `${name}, p50 of 7`, value: quantile(Float64Array.from(times), 0.5), unit: "ms" },
      { name: `${name}, the longest`, value: Math.max(...times), unit: "ms", bound: 10_000 },
    ];
  } finally {
    shipped.remove();
    await estate.close();
  }
}

/** Through the agent's own activation, in processes of their own. */
async function ofActivation(
  { children }: Workshop,
  task: { readonly bans: number; readonly ownTools: boolean; readonly catalog: string },
  processes: number,
  bound: number,
): Promise<readonly Row[]> {
  const runs: Activations[] = [];
  for (let i = 0; i < processes; i += 1)
    runs.push((await ask(children, "activation", { ...task, times: 4 })) as Activations); // what child-activation.ts says
  const mib = ((runs[0]?.policyBytes ?? Number.NaN) / 2 ** 20).toFixed(1);
  const what = `a policy of ${mib} MiB, ${task.bans.toLocaleString("en")} bans`;
  const rows = (which: string, timed: readonly Timed[]): readonly Row[] => [
    {
      name: `${what}, ${which}: into force, median of ${timed.length}`,
      value: quantile(
        Float64Array.from(timed, (one) => one.took),
        0.5,
      ),
      unit: "ms",
    },
    {
      name: `${what}, ${which}: longest piece, median`,
      value: quantile(
        Float64Array.from(timed, (one) => one.blocked),
        0.5,
      ),
      unit: "ms",
      bound,
    },
    {
      name: `${what}, ${which}: longest piece of all`,
      value: Math.max(...timed.map((one) => one.blocked)),
      unit: "ms",
      bound,
    },
  ];
  return [
    ...rows(
      "the first of a process",
      runs.flatMap(({ all }) => all.slice(0, 1)),
    ),
    ...rows(
      "a later one",
      runs.flatMap(({ all }) => all.slice(1)),
    ),
  ];
}

const examplePolicy = join(import.meta.dirname, "../../policies/examples/ban-claude-code.json");

export const bench: Bench = {
  title: "from a repository to a policy in force; ratios are to tuf-js 6.0.2",
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), "edict-bench-trust-"));
    const [children, web] = [join(folder, "children"), join(folder, "web")];
    mkdirSync(web);
    const server = await startServer(web);
    const shop: Workshop = { folder, children, web, server };
    try {
      await bundleChildren(children);
      const catalog = join(folder, "catalog.json");
      writeFileSync(catalog, JSON.stringify(await loadCatalog()));
      const bare = await bareMemory();
      return [
        ...(await ofGroups(shop, bare)),
        { name: "bare Node, Private_Dirty", value: bare, unit: "MB" },
        ...(await ofCourier()),
        ...(await ofStart()),
        ...(await ofPush()),
        ...(await ofTargets(shop, 10_000, 5)),
        ...(await ofTargets(shop, 100_000, 3)),
        ...(await ofCache(shop)),
        ...(await ofActivation(shop, { bans: 2_440, ownTools: true, catalog }, 10, 50)),
        ...(await ofActivation(shop, { bans: 100_000, ownTools: false, catalog }, 3, 1_000)),
      ];
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
