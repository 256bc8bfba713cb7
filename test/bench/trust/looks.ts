import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { instantOf } from "#lib/pure/instant.ts";
import { openClient } from "#trust/client.ts";
import { paired } from "../gate/paired.ts";
import { quantile, type Row } from "../table.ts";
import type { Device, Place } from "./device.ts";
import { ours } from "./ours.ts";
import { peer } from "./peer.ts";
import { rowsOf } from "./rows.ts";
import type { Repository, Server } from "./served.ts";

interface Looker {
  readonly name: string;
  readonly open: (place: Place) => Device;
}
const them = "tuf-js";
const lookers: readonly Looker[] = [
  { name: "ours", open: ours },
  { name: them, open: peer },
];

/** First looks and looks at which nothing is new, in turns; what the server's sockets counted of the last of each. */
export async function looks(
  dir: string,
  server: Server,
  repository: Repository,
  count: number,
  rounds: number,
): Promise<readonly Row[]> {
  const place = { dir: join(dir, "device"), url: server.url(repository), ...rest(repository) };
  const [first, again] = [new Map<string, number[]>(), new Map<string, number[]>()];
  const traffic = new Map<string, readonly Row[]>();
  await paired(lookers, rounds + 1, async ({ name, open }) => {
    const device = open(place);
    gc?.();
    const [one, oneRows] = await counted(server, `${count} groups, first look: ${name}`, () => device.first());
    gc?.();
    const [two, twoRows] = await counted(server, `${count} groups, nothing new: ${name}`, () => device.again());
    device.close();
    rmSync(place.dir, { recursive: true });
    // The first round warms everybody's code up.
    if (traffic.has(name)) {
      push(first, name, one);
      push(again, name, two);
    }
    traffic.set(name, [...oneRows, ...twoRows]);
    return new Float64Array();
  });
  const ofTraffic = (name: string, from: number): readonly Row[] => (traffic.get(name) ?? []).slice(from, from + 3);
  return [
    ...rowsOf(`${count} groups, first look`, first, them),
    ...lookers.flatMap(({ name }) => ofTraffic(name, 0)),
    ...rowsOf(`${count} groups, nothing new`, again, them),
    ...lookers.flatMap(({ name }) => ofTraffic(name, 3)),
  ];
}

function rest({ root, groups }: Repository): Pick<Place, "root" | "groups"> {
  return { root, groups };
}

function push(lists: Map<string, number[]>, name: string, value: number): void {
  lists.set(name, [...(lists.get(name) ?? []), value]);
}

async function counted(
  server: Server,
  what: string,
  work: () => Promise<void>,
): Promise<readonly [number, readonly Row[]]> {
  const before = await server.traffic();
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  await after(5); // the last bytes are on their way
  const now = await server.traffic();
  return [
    took,
    [
      { name: `${what}, requests`, value: now.requests - before.requests, unit: "" },
      { name: `${what}, sent`, value: now.up - before.up, unit: "B" },
      { name: `${what}, received`, value: now.down - before.down, unit: "B" },
    ],
  ];
}

/**
 * The look that the agent takes every minute, while nothing is new. From the moment at which it asks for the time, which it does
 * first, until it chooses how long to wait for the next.
 */
export async function polls(
  dir: string,
  server: Server,
  repository: Repository,
  count: number,
): Promise<readonly Row[]> {
  const place = { dir: join(dir, "device"), url: server.url(repository), ...rest(repository) };
  const device = ours(place);
  await device.first();
  device.close();
  const stop = new AbortController();
  const [warm, many] = [50, 500];
  const times: number[] = [];
  let [began, looked] = [0, 0];
  let before = await server.traffic();
  const client = openClient({
    ...place,
    bootstrap: readFileSync(place.root),
    clock: {
      now: () => {
        began = performance.now();
        return instantOf(Date.now());
      },
    },
    random: () => {
      looked += 1;
      if (looked > warm) times.push(performance.now() - began);
      if (looked === warm + many) stop.abort();
      return 0;
    },
    shard: undefined,
  });
  await client.refresh(); // the first look after a start is a whole one
  for await (const generation of client.updates({ pollSeconds: 0 }, stop.signal)) {
    await client.activated(generation);
    before = await server.traffic();
  }
  const now = await server.traffic();
  client.close();
  rmSync(place.dir, { recursive: true });
  const all = Float64Array.from(times);
  const what = `${count} groups, nothing new: ours, each minute's look`;
  const each = (sum: number): number => sum / (warm + many);
  return [
    { name: `${what}, p50 of ${many}`, value: quantile(all, 0.5), unit: "ms" },
    { name: `${what}, p99`, value: quantile(all, 0.99), unit: "ms" },
    { name: `${what}, requests`, value: each(now.requests - before.requests), unit: "" },
    { name: `${what}, sent`, value: each(now.up - before.up), unit: "B" },
    { name: `${what}, received`, value: each(now.down - before.down), unit: "B" },
  ];
}
