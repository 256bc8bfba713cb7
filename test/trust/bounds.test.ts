import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TrustError } from "#trust/error.ts";
import { limits, maxKeys } from "#trust/limits.ts";
import { parseSnapshot, parseTargets } from "#trust/metadata.ts";
import { MemoryStore } from "#trust/store.ts";
import { update } from "#trust/updater.ts";
import { watched } from "./device.ts";
import { Mirror } from "./mirror.ts";
import { pemKey } from "./pem.ts";
import { now, simulated, verdict } from "./simulated.ts";
import { listed, type Content, type Simulator } from "./simulator.ts";

// What a hostile server, mirror or signer can make a client spend, and what of theirs ends in a log.

test("what nobody could have signed is not even written canonically", async () => {
  const { sim, look } = await simulated();
  sim.promises = false;
  sim.targets.bend = (content) => ({ ...content, deep: JSON.parse(`${"[".repeat(50)}${"]".repeat(50)}`) });
  sim.targets.signers = [];
  expect(await verdict(look())).toBe("SIGNATURE targets");
  sim.targets.signers = undefined;
  sim.targets.bend = undefined;
  sim.targets.tamper = (bytes) =>
    Buffer.from(bytes.toString().replace('"signed":{', `"signed":{"deep":${"[".repeat(50)}${"]".repeat(50)},`));
  expect(await verdict(look())).toBe("FORMAT targets");
});

test.each([
  ["a timestamp", (s: Simulator) => s.timestamp, limits.timestamp, "LIMIT timestamp.json"],
  ["a snapshot", (s: Simulator) => s.snapshot, limits.snapshot, "LIMIT 1.snapshot.json"],
  ["targets", (s: Simulator) => s.targets, limits.targets, "LIMIT 1.targets.json"],
  ["a delegated role", (s: Simulator) => s.role("A"), limits.delegated, "LIMIT 1.A.json"],
])("%s of nobody knows what length has a bound", async (_what, role, bound, wanted) => {
  const { sim, look } = await simulated();
  sim.delegate("targets", "A");
  sim.promises = false;
  const sized = async (length: number): Promise<string> => {
    role(sim).tamper = (bytes) => Buffer.concat([bytes, Buffer.alloc(length - bytes.length, " ")]);
    return verdict(look().then(({ find }) => find("x")));
  };
  expect(await sized(bound + 1)).toBe(wanted);
  expect(await sized(bound)).toBe("believed");
});

test.each([
  ["targets", "snapshot", limits.signedMetadata],
  ["A", "snapshot", limits.delegated],
  ["snapshot", "timestamp", limits.signedMetadata],
])("%s that says by its %s that it is longer than it may be is not asked for", async (role, above, bound) => {
  const { sim, mirror, look } = await simulated();
  sim.delegate("targets", "A");
  const said = (length: number): void => {
    sim.role(above).bend = (content) => {
      const meta = content["meta"] as Record<string, Content>;
      return { ...content, meta: { ...meta, [`${role}.json`]: { version: sim.role(role).version, length } } };
    };
  };
  said(bound + 1);
  expect(await verdict(look().then(({ find }) => find("x")))).toBe(`LIMIT ${role}`);
  expect(mirror.asked).not.toContain(`1.${role}.json`);
  sim.next("snapshot", "timestamp");
  said(bound);
  expect(await verdict(look().then(({ find }) => find("x")))).toBe(`MISMATCH ${role}.json`);
});

test("a root has its bound, whoever signed it", async () => {
  const { sim, look } = await simulated();
  sim.next("root").root.extra = { padding: " ".repeat(limits.root) };
  await sim.writeRoot();
  expect(await verdict(look())).toBe("LIMIT 2.root.json");
});

test("a role has a bounded number of keys", async () => {
  const { sim, look } = await simulated();
  const [key] = sim.targets.keys;
  const more = async (length: number): Promise<string> => {
    const keyids = [key?.keyid, ...Array.from({ length }, (_, i) => `${i}`)];
    sim.next("root").root.bend = (content) => {
      const roles = content["roles"] as Record<string, Content>;
      return { ...content, roles: { ...roles, targets: { threshold: 1, keyids } } };
    };
    await sim.writeRoot();
    return verdict(look());
  };
  expect(await more(maxKeys - 1)).toBe("believed");
  expect(await more(maxKeys)).toBe("LIMIT root");
});

test("a key that is too short for a signature counts as none", async () => {
  const { sim, look } = await simulated();
  sim.targets.keys = [pemKey("rsassa-pss-sha256", 1024)];
  await sim.next("root").writeRoot();
  expect(await verdict(look())).toBe("SIGNATURE targets");
});

test("a signed time that is no second of UTC, with all the years there are, is refused", () => {
  for (const expires of [
    "2027-01-01T00:00:00.5Z",
    "2027-01-01 00:00:00Z",
    "+12027-01-01T00:00:00Z",
    "2027-01-01T24:00:01Z",
    1,
    null,
  ])
    expect(() =>
      parseTargets(
        Buffer.from(
          JSON.stringify({
            signatures: [],
            signed: { _type: "targets", spec_version: "1.0", version: 1, expires, targets: {} },
          }),
        ),
      ),
    ).toThrow(expect.objectContaining({ code: "FORMAT", file: "targets" }));
});

test("whatever is wrong with a file, the error says which file it is", () => {
  const signed = { _type: "snapshot", spec_version: "1.0", version: 1, expires: "2027-01-01T00:00:00Z" };
  for (const content of [
    { ...signed, meta: 7 },
    { ...signed, meta: { "targets.json": {} } },
    { ...signed, meta: {} },
    {},
  ])
    expect(() => parseSnapshot(Buffer.from(JSON.stringify({ signatures: [], signed: content })))).toThrow(
      expect.objectContaining({ code: "FORMAT", file: "snapshot" }),
    );
});

test("what a stranger wrote steers no terminal, and fills no log", () => {
  const name = `\u001b[2J\nroot: all is well\u202e${"x".repeat(10_000)}`;
  const error = new TrustError("FORMAT", `two signatures of key ${name}`, { file: name });
  for (const text of [error.message, error.file ?? ""]) {
    expect(text.length).toBeLessThanOrEqual(500);
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});

test("10,000 who refresh at once ask the server once", async () => {
  const { client, web } = await watched();
  const device = await client();
  const all = await Promise.all(Array.from({ length: 10_000 }, () => device.refresh()));
  expect(new Set(all).size).toBe(1);
  expect(web.asked).toHaveLength(6);
  await device.refresh();
  expect(web.asked.length).toBeGreaterThan(6);
});

test("a policy that is refused again and again fills no disk, and the last can still be activated", async () => {
  const { sim, client, publish } = await watched();
  const device = await client();
  for (let i = 0; i < 5; i += 1) {
    publish("targets");
    device.rejected(await device.refresh(), "no");
  }
  const { dir } = device;
  expect(await readdir(join(dir, "generations"))).toHaveLength(2);
  publish("targets");
  const [before, after] = [await device.refresh(), (publish("targets"), await device.refresh())];
  await device.activated(before);
  await device.activated(await device.refresh());
  expect((await device.cached())?.id).toBe(after.id);
  expect(sim.targets.version).toBe(8);
});

test("an ETag that is damaged on disk is no ETag, and keeps nobody from asking", async () => {
  const { client } = await watched();
  const device = await client();
  await device.refresh();
  const of = createHash("sha256")
    .update(await readFile(join(device.dir, "timestamp.json")))
    .digest("hex");
  for (const value of ["a\r\nb: c", "\u4e00", "", "x".repeat(5000)]) {
    await writeFile(join(device.dir, "state"), JSON.stringify({ etag: { value, of } }));
    expect(await verdict((await client({ dir: device.dir })).refresh())).toBe("believed");
  }
});

test("a package with an older root does not bring back keys that were replaced since", async () => {
  const { sim } = await simulated();
  const first = await sim.writeRoot();
  const stolen = sim.timestamp.keys;
  sim.next("root").timestamp.keys = [listed()];
  await sim.writeRoot();
  const store = new MemoryStore();
  const look = (bootstrap: Uint8Array, mirror: Mirror): Promise<string> =>
    verdict(update({ fetcher: mirror, store, bootstrap, now }));
  const second = (await sim.files()).get("2.root.json") ?? Buffer.of();
  expect(await look(second, new Mirror(sim))).toBe("believed");

  const attack = new Mirror(sim);
  attack.instead.set("2.root.json", undefined);
  sim.next("timestamp").timestamp.signers = stolen;
  expect(await look(first, attack)).toBe("SIGNATURE timestamp");
});

test("another organisation's root is no successor, also where its version is higher", async () => {
  const [ours, theirs] = [await simulated(), await simulated()];
  ours.sim.root.version = 7;
  const [bootstrap, other] = [await ours.sim.writeRoot(), await theirs.sim.writeRoot()];
  const store = new MemoryStore();
  await update({ fetcher: ours.mirror, store, bootstrap, now });
  const { set } = await update({ fetcher: theirs.mirror, store, bootstrap: other, now });
  expect(set.root.version).toBe(1);
});
