import { cp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { limits } from "#trust/limits.ts";
import type { Generation } from "#trust/generation.ts";
import { contents, grouped, packed, watched } from "./device.ts";

const offline = { url: "http://127.0.0.1:1/" };

test("a device has the policies of its groups and its part of the exceptions, and has them again without the network", async () => {
  const { client } = await grouped();
  const following = { groups: ["b", "c", "none", "a"], shard: "ab" };
  const device = await client(following);
  const generation = await device.refresh();
  const wanted = { policy: "base", groups: { a: "a", b: "b" }, exceptions: "ab's", devices: undefined };
  expect(contents(generation)).toEqual(wanted);
  await device.activated(generation);
  const again = await (await client({ ...following, ...offline, dir: device.dir })).cached();
  expect(again).toEqual(generation);
});

test("a device that is in no group fetches nothing of groups, and one without exceptions nothing of those", async () => {
  const { client, web } = await grouped();
  expect(contents(await (await client()).refresh())).toMatchObject({ groups: {}, exceptions: undefined });
  expect(web.asked.filter((line) => /group|exceptions/.test(line))).toEqual([]);
  web.asked.length = 0;
  await (await client({ groups: ["a"] })).refresh();
  expect(web.asked.filter((line) => /group-b|group-c|exceptions/.test(line))).toEqual([]);
});

test("neither groups nor exceptions have to be there", async () => {
  const { client } = await watched();
  const generation = await (await client({ groups: ["a", "../b", ""], shard: "ab" })).refresh();
  expect(contents(generation)).toMatchObject({ policy: "base", groups: {}, exceptions: undefined });
});

test("who is in a group can be read from what the policy signers say", async () => {
  const { sim, client } = await grouped();
  sim.targets.targets.set("devices.json", packed('["b"]'));
  const asked: (string | undefined)[] = [];
  const groups = (devices: Uint8Array | undefined): readonly string[] => {
    asked.push(devices && Buffer.from(devices).toString());
    return JSON.parse(asked.at(-1) ?? "[]") as string[];
  };
  const device = await client({ groups });
  expect(contents(await device.refresh())).toMatchObject({ groups: { b: "b" }, devices: '["b"]' });
  sim.next("targets", "snapshot", "timestamp").targets.targets.delete("devices.json");
  expect(contents(await device.refresh())).toMatchObject({ groups: {}, devices: undefined });
  expect(asked).toEqual(['["b"]', undefined]);
});

test("only what changes a device is another generation there, and exceptions leave the id of its policy", async () => {
  const { sim, client, publish } = await grouped();
  const device = await client({ groups: ["a"], shard: "ab" });
  const look = async (): Promise<Generation> => device.refresh();
  const first = await look();
  const changed = async (before: Generation): Promise<string> => {
    const after = await look();
    return `${after.id === before.id ? "same" : "other"} ${after.policyId === before.policyId ? "same" : "other"}`;
  };
  const exceptions = sim.role("exceptions").targets;
  exceptions.set("exceptions/cd.json", packed("more"));
  publish("exceptions");
  expect(await changed(first)).toBe("same same");
  sim.role("group-b").targets.set("groups/b/policy.json", packed("more"));
  publish("group-b");
  expect(await changed(first)).toBe("same same");
  exceptions.set("exceptions/ab.json", packed("more"));
  publish("exceptions");
  expect(await changed(first)).toBe("other same");
  sim.role("group-a").targets.set("groups/a/policy.json", packed("more"));
  publish("group-a");
  expect(await changed(first)).toBe("other other");
  publish("targets");
  expect(await changed(await look())).toBe("same same");
  expect((await look()).version).toBe(2);
});

test("what a device has it does not fetch again", async () => {
  const { sim, client, publish, web } = await grouped();
  const device = await client({ groups: ["a"], shard: "ab" });
  await device.activated(await device.refresh());
  sim.role("exceptions").targets.set("exceptions/ab.json", packed("more"));
  publish("exceptions");
  web.asked.length = 0;
  const next = await device.refresh();
  expect(contents(next)).toMatchObject({ groups: { a: "a" }, exceptions: "more" });
  expect(web.asked.filter((line) => line.startsWith("GET /targets/"))).toEqual([
    expect.stringMatching(/^GET \/targets\/exceptions\/[0-9a-f]{64}\.ab\.json$/),
  ]);
});

test("a group whose role has expired goes on being enforced, and cannot keep a new policy away", async () => {
  const { sim, client, publish, clock } = await grouped();
  const device = await client({ groups: ["a"], shard: "ab" });
  await device.refresh();
  for (const role of ["group-a", "exceptions"]) sim.role(role).expires = instantOf(clock.at + 1000);
  publish("group-a", "exceptions", "targets");
  clock.add(2000);
  const generation = await device.refresh();
  expect([generation.version, contents(generation)]).toMatchObject([2, { groups: { a: "a" }, exceptions: undefined }]);
  const { roles, problems } = device.status();
  expect(problems).toEqual([expect.stringMatching(/^exceptions\.json expired at /)]);
  expect(roles["group-a"]).toEqual({ version: 2, expires: instantOf(clock.at - 1000) });
  publish("exceptions");
  sim.role("exceptions").expires = sim.targets.expires;
  await device.refresh();
  expect(device.status().problems).toEqual([]);
});

const spoilt = [
  ["withheld", undefined, "HTTP"],
  ["other bytes", Buffer.from("{}"), "MISMATCH"],
  ["endless", Buffer.alloc(100_000, " "), "LIMIT"],
] as const;
const delegated = ["group-a", "exceptions"].flatMap((role) => spoilt.map((how) => [role, ...how] as const));

test.each(delegated)("%s that is %s keeps the last good generation in force", async (role, _what, bytes, code) => {
  const { client, publish, instead } = await grouped();
  const device = await client({ groups: ["a"], shard: "ab" });
  await device.activated(await device.refresh());
  publish(role, "targets");
  instead.set(`2.${role}.json`, bytes);
  await expect(device.refresh()).rejects.toMatchObject({ code, file: expect.stringContaining(role) });
  expect(await device.cached()).toMatchObject({ version: 1, groups: new Map([["a", Buffer.from("a")]]) });
  instead.clear();
  expect((await device.refresh()).version).toBe(2);
});

test("a group's policy has its bound, packed and unpacked", async () => {
  const { sim, client } = await grouped();
  sim.role("group-a").targets.set("groups/a/policy.json", packed(" ".repeat(limits.group + 1)));
  await expect((await client({ groups: ["a"] })).refresh()).rejects.toMatchObject({
    code: "LIMIT",
    file: "groups/a/policy.json",
  });
  sim.role("group-b").targets.set("groups/b/policy.json", Buffer.alloc(limits.group + 1));
  await expect((await client({ groups: ["b"] })).refresh()).rejects.toMatchObject({
    code: "LIMIT",
    message: expect.stringContaining("at most"),
  });
});

test("a policy for all is signed by the top-level role, and by nobody else", async () => {
  const { sim, client } = await grouped();
  sim.delegate("targets", "anybody", { paths: ["*"] }).targets.set("devices.json", packed("[]"));
  sim.role("anybody").targets.set("policy.json", packed("{}"));
  expect(contents(await (await client()).refresh())).toMatchObject({ policy: "base", devices: undefined });
  sim.targets.targets.delete("policy.json");
  await expect((await client()).refresh()).rejects.toMatchObject({ code: "MISMATCH", file: "policy.json" });
});

test("each file of a generation is needed: without it, or damaged, the generation before is in force", async () => {
  const { sim, client, publish } = await grouped();
  sim.targets.targets.set("devices.json", packed("[]"));
  const following = { groups: ["a", "b"], shard: "ab" };
  const device = await client(following);
  await device.activated(await device.refresh());
  publish("targets");
  await device.activated(await device.refresh());
  const generations = join(device.dir, "generations");
  const newest = (await readdir(generations)).find((name) => name.startsWith("active-0000000002")) ?? "";
  const files = await readdir(join(generations, newest));
  expect(files).toHaveLength(4 + 3 + 6);
  for (const file of files)
    for (const damage of [rm, (path: string) => truncate(path, 40), (path: string) => writeFile(path, "")]) {
      const { dir } = await client(following);
      await rm(dir, { recursive: true, force: true });
      await cp(device.dir, dir, { recursive: true });
      await damage(join(dir, "generations", newest, file));
      const again = await client({ ...following, ...offline, dir });
      expect([file, (await again.cached())?.version, again.status().problems.length]).toEqual([file, 1, 1]);
    }
});

test("a role that is in use no more leaves the store", async () => {
  const { client } = await grouped();
  const device = await client({ groups: ["a", "b"], shard: "ab" });
  const { dir } = device;
  await device.refresh();
  const roles = async (): Promise<string[]> =>
    (await readdir(dir)).filter((name) => /^(group|exceptions)/.test(name)).toSorted();
  expect(await roles()).toEqual(["exceptions.json", "group-a.json", "group-b.json"]);
  await (await client({ dir, groups: ["b"] })).refresh();
  expect(await roles()).toEqual(["group-b.json"]);
});
