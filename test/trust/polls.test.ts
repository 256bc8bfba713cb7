import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import type { ClientOptions } from "#trust/client.ts";
import { contents, grouped, packed, watched, type Watched } from "./device.ts";
import { day, hour } from "./repository.ts";
import { waits } from "./waits.ts";

// How often the server is asked, for how much, and what is made of it.

interface Round {
  readonly asked: readonly string[];
  readonly took: readonly unknown[];
  readonly error: string | undefined;
}

/** So many looks of a new device. `after` is called when one is over, with its number. */
async function looks(
  { client, web }: Watched,
  count: number,
  after: (look: number) => void = () => undefined,
  { pollSeconds = 0.001, ...options }: Partial<ClientOptions> & { readonly pollSeconds?: number } = {},
): Promise<readonly Round[]> {
  const stop = new AbortController();
  const rounds: Round[] = [];
  const took: unknown[] = [];
  // The client asks for a random number when it begins to wait.
  const random = (): number => {
    rounds.push({ asked: web.asked.splice(0), took: took.splice(0), error: device.status().lastError?.code });
    after(rounds.length);
    if (rounds.length === count) stop.abort();
    return 0;
  };
  const device = await client({ ...options, random });
  for await (const generation of device.updates({ pollSeconds }, stop.signal)) took.push(contents(generation));
  return rounds;
}

const one = ["GET /timestamp.json"];
const whole = ["GET /2.root.json", "GET /timestamp.json"];
const refused: RequestListener = (_request, response) => void response.writeHead(500).end();

test.each([
  { pollSeconds: 60, well: 54_000, ill: [2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000] },
  { pollSeconds: 600, well: 540_000, ill: [2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] },
  { pollSeconds: 1, well: 900, ill: [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000] },
])("asked every $pollSeconds s, and sooner at first where it does not answer", async ({ pollSeconds, well, ill }) => {
  const repo = await watched();
  const waited = waits();
  const after = (look: number): void => {
    if (look === 2 || look === 5 + ill.length) repo.answers.set("timestamp.json", refused);
    if (look === 2 + ill.length) repo.answers.clear();
  };
  const rounds = await looks(repo, 6 + ill.length, after, { pollSeconds });
  const times = waited.map(({ ms }) => ms);
  expect(times).toEqual([well, well, ...ill, well, well, well, ill[0]]);
  expect(rounds.map(({ error }) => error)).toEqual(times.map((ms) => (ms === well ? undefined : "HTTP")));
});

test("what somebody says is new is looked for in ten seconds, however long it is until the next look", async () => {
  const repo = await watched();
  const waited = waits(hour / 2);
  let told = false;
  const random = (): number => {
    if (!told) repo.publish("targets");
    if (!told) device.lookSoon();
    told = true;
    return 0;
  };
  const device = await repo.client({ random });
  const versions: number[] = [];
  for await (const { version } of device.updates({ pollSeconds: 3_600 }, new AbortController().signal)) {
    versions.push(version);
    if (versions.length === 2) break;
  }
  expect(versions).toEqual([1, 2]);
  expect(waited.map(({ ms }) => ms)).toEqual([0.9 * hour, expect.any(Number)]);
  expect(waited[1]?.ms).toBeLessThanOrEqual(10_000);
});

test.each([
  ["at once", 0, one],
  ["within the hour", hour - 1, one],
  ["an hour later", hour, whole],
  ["by a clock that was set back", -1, whole],
])("where nothing has changed it is asked, %s, for this much", async (_, later, asked) => {
  const repo = await watched();
  const [, second] = await looks(repo, 2, (look) => repo.clock.add(look === 1 ? later : 0));
  expect(second).toEqual({ asked, took: [], error: undefined });
});

test("the hour begins anew with each whole look", async () => {
  const repo = await watched();
  const rounds = await looks(repo, 5, () => repo.clock.add(0.6 * hour));
  expect(rounds.slice(1).map(({ asked }) => asked)).toEqual([one, whole, one, whole]);
});

test("the first look after a start is a whole one: the device may be in other groups now", async () => {
  const repo = await grouped();
  const device = await repo.client({ groups: ["a"] });
  await device.activated(await device.refresh());
  const [first] = await looks(repo, 1, undefined, { dir: device.dir, groups: ["a", "b"] });
  expect(first?.took).toMatchObject([{ groups: { a: "a" } }, { groups: { a: "a", b: "b" } }]);
});

test("a server that sends no ETag is asked for everything each time", async () => {
  const repo = await watched();
  repo.tags.sent = false;
  const rounds = await looks(repo, 3, (look) => void (look === 2 && repo.publish("targets")));
  expect(rounds[1]).toEqual({ asked: whole, took: [], error: undefined });
  expect(rounds[2]?.took).toMatchObject([{ policy: "base" }]);
});

test("a look that fails halfway, time after time, is no news: the device says that what it knows is old", async () => {
  const { sim, instead, publish, targetFile, clock, client, web } = await grouped();
  const device = await client({ groups: ["a"] });
  await device.activated(await device.refresh());
  const heard = device.status().refreshed;
  expect(heard).toBe(clock.now());
  sim.role("group-a").targets.set("groups/a/policy.json", packed("new"));
  publish("group-a");
  instead.set(targetFile("groups/a/policy.json"), refused);
  clock.add(day);
  await expect(device.refresh()).rejects.toMatchObject({ code: "HTTP" });
  expect(web.asked).toContain("GET /timestamp.json");
  expect(device.status()).toMatchObject({ state: "stale", refreshed: heard });
  const restarted = await client({ groups: ["a"], dir: device.dir });
  await restarted.cached();
  expect(restarted.status()).toMatchObject({ state: "stale", refreshed: heard });
  instead.clear();
  await device.refresh();
  expect(device.status()).toMatchObject({ state: "fresh", refreshed: clock.now() });
});

test("a timestamp that is new and says nothing new is no new generation", async () => {
  const repo = await watched();
  const rounds = await looks(repo, 3, (look) => void (look === 1 && repo.sim.next("timestamp")));
  expect(rounds.map(({ took }) => took.length)).toEqual([1, 0, 0]);
  expect(rounds.slice(1).map(({ asked }) => asked)).toEqual([[...one, ...whole], one]);
});

test.each([
  ["a group's role", "2.group-a.json"],
  ["a group's policy", "groups/a/policy.json"],
  ["the exceptions' role", "2.exceptions.json"],
])(
  "%s that could not be fetched is fetched at the next look, under the timestamp of the one that failed",
  async (_, file) => {
    const repo = await grouped();
    const { sim, instead, publish, targetFile } = repo;
    const after = (look: number): void => {
      if (look > 1) return instead.clear();
      sim.role("group-a").targets.set("groups/a/policy.json", packed("new"));
      publish("group-a", "exceptions");
      instead.set(file.startsWith("groups") ? targetFile(file) : file, refused);
    };
    const rounds = await looks(repo, 4, after, { groups: ["a"], shard: "ab" });
    expect(rounds.map(({ error }) => error)).toEqual([undefined, "HTTP", undefined, undefined]);
    expect(rounds.map(({ took }) => took)).toMatchObject([
      [{ groups: { a: "a" } }],
      [],
      [{ groups: { a: "new" } }],
      [],
    ]);
    expect(rounds[3]?.asked).toEqual(one);
  },
);

test("a device that got nothing at its first look goes on looking", async () => {
  const repo = await grouped();
  repo.instead.set("1.group-a.json", refused);
  const rounds = await looks(repo, 2, () => repo.instead.clear(), { groups: ["a"] });
  expect(rounds).toMatchObject([
    { took: [], error: "HTTP" },
    { took: [{ groups: { a: "a" } }], error: undefined },
  ]);
});

test.each([
  ["by whoever asks this client", false],
  ["by another process on its folder", true],
])("what was fetched %s between two looks is taken at the next", async (_, other) => {
  const repo = await watched();
  const stop = new AbortController();
  const device = await repo.client();
  const fetching = other ? await repo.client({ dir: device.dir }) : device;
  const versions: number[] = [];
  for await (const { version } of device.updates({ pollSeconds: 0.001 }, stop.signal)) {
    versions.push(version);
    if (versions.length === 2) break;
    repo.publish("targets");
    await fetching.refresh();
  }
  expect(versions).toEqual([1, 2]);
});
