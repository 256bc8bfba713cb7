import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ContentMemory, knownContentsSchema, type KnownContents } from "#observe/content-memory.ts";
import { ContentNow } from "#observe/content-now.ts";
import { makePlan, type Content } from "#observe/content-pass.ts";
import { ContentReader } from "#observe/content.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { openRegular } from "#observe/read-file.ts";
import { folder, markerText, needle, wanting, write } from "./place.ts";

const absent: Content = { hash: { unread: "no identity has this size" }, marker: { absent: true } };

function overTheWire(contents: KnownContents): KnownContents {
  return knownContentsSchema.parse(JSON.parse(JSON.stringify(contents)));
}

function keys(contents: KnownContents): readonly string[] {
  return contents.readings.map((r) => r.key);
}

function accepted(message: unknown): boolean {
  return knownContentsSchema.safeParse(message).success;
}

async function readBy(reader: ContentReader, path: string): Promise<{ key: string; content: Content }> {
  const raw = rawFromText(path);
  const opened = raw === undefined ? { unread: "no path" } : await openRegular(raw);
  if ("unread" in opened) throw new Error(opened.unread);
  try {
    return { key: opened.stamp.key, content: await reader.read(opened) };
  } finally {
    await opened.file.close();
  }
}

test("what the gate has read the agent knows afterwards, and what the agent has read a fresh gate knows", async () => {
  const wanted = wanting({ sizes: new Set([markerText.length]) });
  const plan = makePlan(wanted);
  const path = write(join(folder(), "tool"), markerText);
  const { key, content } = await readBy(new ContentReader(wanted), path);

  const gate = new ContentMemory(plan.digest);
  const descriptor = openSync(path, "r");
  const read = new ContentNow(plan).begin(descriptor, markerText.length).step(Infinity);
  closeSync(descriptor);
  if (read !== undefined) gate.learn(key, read);

  const agent = new ContentReader(wanted);
  expect(agent.memory.known(key)).toBeUndefined();
  expect(agent.memory.take(overTheWire(gate.tell()))).toBe(1);
  expect(agent.memory.known(key)).toEqual(content);
  expect(content.marker).toEqual({ value: [needle] });

  const told: Content = { ...content, interpreter: "node" };
  agent.memory.learn(key, told);
  expect((await readBy(agent, path)).content, "what is known is not read again").toBe(told);
  const fresh = new ContentMemory(plan.digest);
  fresh.take(overTheWire(agent.memory.tell()));
  expect(fresh.known(key)).toEqual(told);
});

test("what was read by another plan is not believed", () => {
  const old = new ContentMemory(makePlan(wanting()).digest);
  old.learn("1:1 2 3 4 5", absent);
  const more = new ContentMemory(makePlan(wanting({ sizes: new Set([3]) })).digest);
  expect(more.take(overTheWire(old.tell()))).toBe(0);
  expect(more.known("1:1 2 3 4 5")).toBeUndefined();
});

test("it keeps and tells so many readings, those used last, and none of what could not be read", () => {
  const memory = new ContentMemory("digest", 3);
  for (const key of ["a", "b", "c"]) memory.learn(key, absent);
  memory.known("a");
  memory.learn("d", absent);
  memory.learn("e", { hash: { unread: "not permitted" }, marker: { unread: "not permitted" } });
  expect(keys(memory.tell())).toEqual(["c", "a", "d"]);
  expect(keys(memory.tell(2))).toEqual(["a", "d"]);
  expect(keys(memory.tell(0))).toEqual([]);
});

test("a message that is none is refused: no digest, too many readings, a content of another shape", () => {
  const reading = { key: "a", content: absent };
  expect(accepted({ digest: "d", readings: [reading] })).toBe(true);
  expect(accepted({ readings: [reading] })).toBe(false);
  expect(accepted({ digest: "d", readings: Array.from({ length: 20_001 }, () => reading) })).toBe(false);
  expect(accepted({ digest: "d", readings: [{ ...reading, key: "k".repeat(201) }] })).toBe(false);
  expect(accepted({ digest: "d", readings: [{ key: "a", content: { ...absent, marker: {} } }] })).toBe(false);
});
