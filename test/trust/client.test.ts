import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import type { CourierProcess } from "#trust/courier.ts";
import { serveCourier } from "#trust/courier-serve.ts";
import { day, hour, served } from "./repository.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("a policy that was published arrives, and is there again without the network", async () => {
  const repo = await served();
  await repo.publish("first");
  const client = await repo.client();
  const generation = await client.refresh();
  expect(JSON.parse(text(generation.policy))).toMatchObject({ name: "first" });
  expect(generation).toMatchObject({ version: 2, state: "fresh" });
  expect(await client.cached()).toBeUndefined();
  await client.activated(generation);

  const offline = await repo.client({ dir: client.dir, url: "http://127.0.0.1:1/" });
  const again = await offline.cached();
  expect(again && text(again.policy)).toBe(text(generation.policy));
  expect(again?.state).toBe("fresh");
});

test("a repository's address is its folder's, with a slash at its end or without", async () => {
  const repo = await served();
  await repo.publish("first");
  const device = await repo.client({ url: repo.web.url.replace(/\/$/, "") });
  expect(await device.refresh()).toMatchObject({ version: 2 });
});

test("where there is a courier, nothing is fetched but by it, and it is ended with the client", async () => {
  const repo = await served();
  await repo.publish("first");
  const lives: { over: boolean }[] = [];
  const courier = (): CourierProcess => {
    const [control, other] = duplexPair();
    const life = { over: false };
    lives.push(life);
    const ended = serveCourier(other).then(String, String);
    return { control, ended, kill: () => void (life.over = true) };
  };
  const device = await repo.client({ courier });
  expect(lives).toEqual([]);
  expect(await device.refresh()).toMatchObject({ version: 2 });
  expect(lives).toEqual([{ over: false }]);
  device.close();
  expect(lives).toEqual([{ over: true }]);
});

test("whatever is thrown while it looks is an error of the client, with what was thrown as its cause", async () => {
  const repo = await served();
  await repo.publish("first");
  const thrown = new Error("no such device");
  const groups = (): never => {
    throw thrown;
  };
  const device = await repo.client({ groups });
  const error = { code: "CACHE", message: "no such device" };
  await expect(device.refresh()).rejects.toMatchObject({ name: "TrustError", ...error, cause: thrown });
  expect(device.status().lastError).toMatchObject({ code: "CACHE", at: repo.clock.at });
});

test("what is in force is not stored again", async () => {
  const repo = await served();
  await repo.publish("first");
  const device = await repo.client();
  const stored = (): Promise<readonly string[]> => readdir(join(device.dir, "generations"));
  await device.activated(await device.refresh());
  const before = await stored();
  expect(await device.refresh()).toMatchObject({ version: 2 });
  expect(await stored()).toEqual(before);
});

test("a repository in which nothing was published yet says so", async () => {
  const repo = await served();
  await expect((await repo.client()).refresh()).rejects.toMatchObject({
    code: "MISMATCH",
    message: expect.stringContaining("published"),
  });
});

test("each new policy is yielded once, the cached one first", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  await client.activated(await client.refresh());
  const stop = new AbortController();
  const names: string[] = [];
  for await (const generation of client.updates({ pollSeconds: 0.02 }, stop.signal)) {
    names.push(JSON.parse(text(generation.policy)).name);
    await client.activated(generation);
    if (names.length === 1) await repo.publish("two");
    if (names.length === 2) await repo.publish("three");
    if (names.length === 3) stop.abort();
  }
  expect(names).toEqual(["one", "two", "three"]);
});

test("what was stored is recalled once whoever takes it is done with it, before the server is asked", async () => {
  const repo = await served();
  await repo.publish("one");
  const before = await repo.client();
  await before.activated(await before.refresh());
  const client = await repo.client({ dir: before.dir });
  repo.web.asked.length = 0;
  let recalled = false;
  const stop = new AbortController();
  const recall = client.recalled.then(() => {
    recalled = true;
    expect(repo.web.asked).toEqual([]);
    stop.abort();
  });
  for await (const generation of client.updates({ pollSeconds: 60 }, stop.signal)) {
    await client.activated(generation);
    expect(recalled).toBe(false);
  }
  await recall;
});

test("where nothing is stored, there is nothing to recall", async () => {
  const repo = await served();
  const client = await repo.client();
  const stop = new AbortController();
  const ended = (async () => {
    for await (const _ of client.updates({ pollSeconds: 60 }, stop.signal));
  })();
  await client.recalled;
  expect(client.status().enforced).toBeUndefined();
  stop.abort();
  await ended;
});

test.each<[how: string, known: boolean, last: unknown, url?: string, error?: string]>([
  ["says something new, once that was taken", false, expect.stringContaining("GET /targets/")],
  ["says that nothing has changed", true, "GET /timestamp.json"],
  ["does not answer", true, undefined, "http://127.0.0.1:1/", "NETWORK"],
])("the server was asked when it %s", async (_, known, last, url, error) => {
  const repo = await served();
  await repo.publish("one");
  const before = await repo.client();
  if (known) await before.activated(await before.refresh());
  repo.web.asked.length = 0;
  const client = await repo.client({ dir: before.dir, ...(url !== undefined && { url }) });
  const stop = new AbortController();
  let asked = 0;
  void client.asked.then(() => {
    asked = repo.web.asked.length;
    stop.abort();
  });
  const names: string[] = [];
  for await (const generation of client.updates({ pollSeconds: 60 }, stop.signal)) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(stop.signal.aborted).toBe(false);
    names.push(JSON.parse(text(generation.policy)).name);
    await client.activated(generation);
  }
  expect(names).toEqual(["one"]);
  expect(client.status().lastError?.code).toBe(error);
  expect(asked).toBe(error === undefined ? repo.web.asked.length : 0);
  expect(repo.web.asked.at(-1)).toEqual(last);
});

test("a policy that was rejected is not offered again, and the one before survives a restart", async () => {
  const repo = await served();
  await repo.publish("good");
  const client = await repo.client();
  await client.activated(await client.refresh());
  await repo.publish("bad");
  client.rejected(await client.refresh(), "it does not compile");
  expect(client.status()).toMatchObject({
    enforced: { version: 2 },
    rejected: { version: 3, why: "it does not compile" },
  });
  const again = await (await repo.client({ dir: client.dir })).cached();
  expect(again?.version).toBe(2);
});

test("while nothing changes a poll is one request with no body", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  const stop = new AbortController();
  const known = Promise.withResolvers<void>();
  const polling = (async () => {
    for await (const generation of client.updates({ pollSeconds: 0.01 }, stop.signal)) {
      await client.activated(generation);
      repo.web.asked.length = 0;
      known.resolve();
    }
  })();
  await known.promise; // it took as many requests
  await expect.poll(() => repo.web.asked.length).toBeGreaterThan(5);
  stop.abort();
  await polling;
  expect(new Set(repo.web.asked)).toEqual(new Set(["GET /timestamp.json"]));
  expect(repo.web.connections()).toBeLessThanOrEqual(2);
});

test("a device that hears nothing goes on with what it has, and says how old it is", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  await client.activated(await client.refresh());
  expect(client.status().state).toBe("fresh");
  repo.clock.add(25 * hour);
  expect(client.status().state).toBe("stale");
  repo.clock.add(3 * day);
  await expect(client.refresh()).rejects.toMatchObject({ code: "EXPIRED" });
  expect((await client.cached())?.state).toBe("stale");
  repo.clock.add(4 * day);
  const later = await repo.client({ dir: client.dir, url: "http://127.0.0.1:1/" });
  expect(await later.cached()).toMatchObject({ version: 2, state: "very-stale" });
  expect(later.status().state).toBe("very-stale");
});
