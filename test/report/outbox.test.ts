import { mkdir, readdir, readFile, rm, stat, symlink, writeFile, appendFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { openOutbox, type Outbox, type OutboxOptions } from "#report/outbox.ts";
import { toEvent } from "#report/ocsf.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { device, health, inventory, outcome } from "./samples.ts";

const clock = { now: () => instantOf(1_783_641_600_000) };
const all = { events: 10_000, bytes: 100_000_000 };

async function open(dir: string, options: Partial<OutboxOptions> = {}): Promise<Outbox> {
  const outbox = await openOutbox(dir, { clock, ...options });
  onTestFinished(() => outbox.close());
  return outbox;
}

function stopped(): OcsfEvent {
  const event = toEvent(outcome("stopped"), device);
  if (event === undefined) throw new Error("the sample matches a ban");
  return event;
}
const healthy = (): OcsfEvent => toEvent(health, device);
const stock = (): OcsfEvent => toEvent(inventory, device);

const uidsIn = async (outbox: Outbox): Promise<string[]> => (await outbox.batch(all)).map((line) => line.uid);
const segmentsIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith(".ndjson")).toSorted();

test("what was put is there after a restart, in its order, with the uid that put gave it", async () => {
  const dir = join(await temporaryFolder(), "spool");
  const first = await open(dir);
  const uids = await Promise.all(Array.from({ length: 50 }, () => first.put(stopped())));
  await first.close();
  const second = await open(dir);
  const batch = await second.batch(all);
  expect(batch.map((line) => line.uid)).toEqual(uids);
  expect(batch.map((line) => (JSON.parse(line.text) as OcsfEvent).metadata.uid)).toEqual(uids);
  expect(second.status()).toMatchObject({ waiting: 50, held: 0, broken: 0, trouble: undefined });
});

test("the spool is its owner's alone", async () => {
  const dir = join(await temporaryFolder(), "spool");
  await mkdir(dir, { mode: 0o755 });
  const outbox = await open(dir);
  await outbox.put(stopped());
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o077).toBe(0);
});

test("a spool that is a link, or a file, is refused", async () => {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "elsewhere"));
  await symlink(join(dir, "elsewhere"), join(dir, "link"));
  await expect(open(join(dir, "link"))).rejects.toMatchObject({ code: "IDENTITY" });
});

test("an event stays until it is acknowledged, and is then gone for good", async () => {
  const dir = await temporaryFolder();
  const outbox = await open(dir);
  await Promise.all([outbox.put(stopped()), outbox.put(stopped()), outbox.put(stopped())]);
  const batch = await outbox.batch(all);
  expect(await uidsIn(outbox)).toHaveLength(3);
  await outbox.done(batch.slice(0, 2));
  expect(await uidsIn(outbox)).toEqual([batch[2]?.uid]);
  await outbox.done(batch.slice(2));
  expect(await uidsIn(outbox)).toEqual([]);
  expect(await segmentsIn(dir)).toEqual([]);
  await outbox.put(stopped());
  expect(await uidsIn(outbox)).toHaveLength(1);
});

test("matches are sent before health, and health before inventory", async () => {
  const outbox = await open(await temporaryFolder());
  const a = await outbox.put(stock());
  const b = await outbox.put(healthy());
  const c = await outbox.put(stopped());
  expect(await uidsIn(outbox)).toEqual([c, b, a]);
});

test("a batch keeps to its bounds, and always has one event at least", async () => {
  const outbox = await open(await temporaryFolder());
  for (let i = 0; i < 5; i += 1) await outbox.put(stopped());
  expect(await outbox.batch({ events: 2, bytes: 1_000_000 })).toHaveLength(2);
  expect(await outbox.batch({ events: 5, bytes: 1 })).toHaveLength(1);
});

test("a tail that a crash cut off is ignored, and what was written before it is kept", async () => {
  const dir = await temporaryFolder();
  const first = await open(dir);
  const uid = await first.put(stopped());
  await first.close();
  const [name = ""] = await segmentsIn(dir);
  await appendFile(join(dir, name), '{"class_uid":1007,"metadata":{"uid":"half');
  const second = await open(dir);
  const next = await second.put(stopped());
  expect(await uidsIn(second)).toEqual([uid, next]);
  expect(second.status().broken).toBe(0);
});

test("broken lines cost themselves only, are counted, and are kept aside", async () => {
  const dir = await temporaryFolder();
  const first = await open(dir);
  const uids = [await first.put(stopped()), await first.put(stopped()), await first.put(stopped())];
  await first.close();
  const [name = ""] = await segmentsIn(dir);
  const lines = (await readFile(join(dir, name), "utf8")).split("\n");
  lines[1] = lines[1]?.replace("{", "\0garbage") ?? "";
  await writeFile(join(dir, name), lines.join("\n"));
  const second = await open(dir);
  const batch = await second.batch(all);
  expect(batch.map((line) => line.uid)).toEqual([uids[0], uids[2]]);
  await second.done(batch);
  expect(second.status()).toMatchObject({ waiting: 0, broken: 1 });
  expect(await readdir(dir)).toEqual([`${name}.broken`]);
});

test("files that cannot be a segment stop nothing: a folder, a link, one that is far too long, a stranger", async () => {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "000000000007.match.ndjson"));
  await symlink("/etc/passwd", join(dir, "000000000008.match.ndjson"));
  await writeFile(join(dir, "000000000009.match.ndjson"), Buffer.alloc(9 * 1024 * 1024));
  await writeFile(join(dir, "000000000010.other.ndjson"), "x\n");
  await writeFile(join(dir, "readme"), "x\n");
  const outbox = await open(dir);
  expect(outbox.status().broken).toBe(3);
  const uid = await outbox.put(stopped());
  expect(await uidsIn(outbox)).toEqual([uid]);
  expect(await readFile("/etc/passwd", "utf8")).toContain("root:");
});

test("a file that changes into something else under a running agent is put aside, and the rest is sent", async () => {
  const dir = await temporaryFolder();
  const first = await open(dir);
  await first.put(stopped());
  await first.close();
  const second = await open(dir);
  const [name = ""] = await segmentsIn(dir);
  const kept = await second.put(healthy());
  await writeFile(join(dir, name), Buffer.alloc(9 * 1024 * 1024));
  expect(await uidsIn(second)).toEqual([kept]);
  expect(second.status().broken).toBe(1);
});

test("over its bound the oldest inventory goes first, then health, then the oldest matches; all of it is counted, also after a restart", async () => {
  const dir = await temporaryFolder();
  const outbox = await open(dir, { maxBytes: 48 * 1024 });
  for (let i = 0; i < 10; i += 1) await Promise.allSettled([outbox.put(stock()), outbox.put(healthy())]);
  const firsts: string[] = [];
  for (let i = 0; i < 20; i += 1) firsts.push(await outbox.put(stopped()));
  const early = outbox.status();
  expect(early.bytes).toBeLessThanOrEqual(48 * 1024);
  expect(early.dropped.inventory).toBeGreaterThan(0);
  expect(early.dropped.match).toBe(0);
  for (let i = 0; i < 60; i += 1) await outbox.put(stopped());
  const late = outbox.status();
  expect(late.dropped).toMatchObject({ inventory: 10, health: 10 });
  expect(late.dropped.match).toBeGreaterThan(0);
  expect(await uidsIn(outbox)).not.toContain(firsts[0]);
  expect((await uidsIn(outbox)).length + late.dropped.match).toBe(80);
  await expect(outbox.put(stock())).rejects.toMatchObject({ code: "FULL" });
  await outbox.close();
  expect((await open(dir, { maxBytes: 48 * 1024 })).status().dropped.health).toBe(10);
});

test("an event that no server would take is refused at once", async () => {
  const outbox = await open(await temporaryFolder());
  await expect(outbox.put({ ...stopped(), message: "x".repeat(300_000) })).rejects.toMatchObject({ code: "FORMAT" });
});

test("whoever waits is woken by the next event, and by the signal", async () => {
  const outbox = await open(await temporaryFolder());
  const waiting = outbox.waiting(new AbortController().signal);
  await outbox.put(stopped());
  await expect(waiting).resolves.toBeUndefined();
  await outbox.done(await outbox.batch(all));
  const stop = new AbortController();
  const other = outbox.waiting(stop.signal);
  stop.abort();
  await expect(other).resolves.toBeUndefined();
});

test("where the folder cannot be made, events are held in memory and still sent, and written when it can", async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, "state"), "a file where a folder should be");
  const outbox = await open(join(dir, "state", "spool"));
  await expect(outbox.put(stopped())).rejects.toMatchObject({ code: "DISK" });
  expect(outbox.status()).toMatchObject({ waiting: 1, held: 1 });
  expect(outbox.status().trouble).toContain("ENOTDIR");
  const batch = await outbox.batch(all);
  expect(batch).toHaveLength(1);
  await rm(join(dir, "state"));
  await outbox.put(stopped());
  expect(outbox.status()).toMatchObject({ waiting: 2, held: 0, trouble: undefined });
});
