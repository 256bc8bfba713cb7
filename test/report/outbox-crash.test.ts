import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { openOutbox, type Outbox } from "#report/outbox.ts";
import { toEvent } from "#report/ocsf.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";
import { device, inventory, outcome } from "./samples.ts";

const all = { events: 1_000_000, bytes: 1 << 30 };
const writer = new URL("outbox-writer.ts", import.meta.url).pathname;

/** Kills a writer after it has said `lines` lines; resolves to every uid that it said was safe. */
async function crash(dir: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, dir], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.split("\n").length > lines) child.kill("SIGKILL");
  });
  await once(child, "close");
  return said.split("\n").slice(0, -1);
}

test("a process killed at any moment loses nothing that it was told is safe, and invents nothing", async () => {
  const dir = await temporaryFolder();
  const safe = new Set<string>();
  for (const lines of [1, 7, 40, 193, 600]) for (const uid of await crash(dir, lines)) safe.add(uid);
  const outbox = await open(dir);
  const found = (await outbox.batch(all)).map((line) => line.uid);
  const missing = [...safe].filter((uid) => !found.includes(uid));
  expect(missing).toEqual([]);
  expect(new Set(found).size).toBe(found.length);
  expect(found.length).toBeLessThanOrEqual(safe.size + 5 * 8); // written, and killed before it could be said
  expect(outbox.status().broken).toBe(0);
});

async function open(dir: string, maxBytes = 1 << 30): Promise<Outbox> {
  const outbox = await openOutbox(dir, { clock: systemClock, maxBytes });
  onTestFinished(() => outbox.close());
  return outbox;
}

async function tinyDisk(): Promise<string> {
  const dir = await temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "edict-test", dir]);
  onTestFinished(() => void execFileSync("umount", ["-l", dir]));
  return dir;
}

function match(): OcsfEvent {
  const event = toEvent(outcome("stopped"), device);
  if (event === undefined) throw new Error("the sample matches a ban");
  return event;
}

const reason = lacking("root");
describe.skipIf(reason !== undefined)(`on a disk that is full (${reason ?? "a tmpfs of 256 KiB"})`, () => {
  test("events are held in memory, said to be, sent from there, and written once there is room", async () => {
    const dir = await tinyDisk();
    const spool = join(dir, "spool");
    const outbox = await open(spool);
    const early = await outbox.put(match());
    await writeFile(join(dir, "filler"), Buffer.alloc(64 * 1024));
    await appendFile(join(dir, "filler"), Buffer.alloc(1 << 20)).catch(() => undefined);
    const puts = await Promise.allSettled(Array.from({ length: 20 }, () => outbox.put(match())));
    const failed = puts.filter((put) => put.status === "rejected").map((put) => (put.reason as { code: string }).code);
    expect(new Set(failed)).toEqual(new Set(["DISK"]));
    expect(outbox.status().trouble).toContain("ENOSPC");
    const batch = await outbox.batch(all);
    expect(batch).toHaveLength(21);
    expect(batch.map((line) => line.uid)).toContain(early);

    await rm(join(dir, "filler"));
    const last = await outbox.put(match());
    expect(outbox.status()).toMatchObject({ waiting: 22, held: 0, trouble: undefined });
    await outbox.close();
    const again = await open(spool);
    const found = (await again.batch(all)).map((line) => line.uid);
    expect(found).toHaveLength(22);
    expect(new Set(found)).toEqual(new Set([...batch.map((line) => line.uid), last]));
  });

  test("a full disk does not become a full memory: beyond its bound events are dropped, and counted", async () => {
    const dir = await tinyDisk();
    await writeFile(join(dir, "filler"), Buffer.alloc(1 << 20)).catch(() => undefined);
    const outbox = await open(join(dir, "spool"));
    const puts = await Promise.allSettled(Array.from({ length: 2_100 }, () => outbox.put(toEvent(inventory, device))));
    const full = puts.filter((put) => put.status === "rejected" && (put.reason as { code: string }).code === "FULL");
    const { held, dropped } = outbox.status();
    expect(full.length).toBe(dropped.inventory);
    expect(dropped.inventory).toBeGreaterThan(0);
    expect(held + dropped.inventory).toBe(2_100);
    expect(await readdir(dir)).toContain("filler");
  });
});
