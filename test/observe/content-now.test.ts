import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ContentNow } from "#observe/content-now.ts";
import { makePlan } from "#observe/content-pass.ts";
import { ContentReader } from "#observe/content.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { openRegular } from "#observe/read-file.ts";
import { folder, markerText, needle, wanting, write } from "./place.ts";

const kibibyte = 1024;

function opened(path: string, flags = "r"): number {
  const descriptor = openSync(path, flags);
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

function file(size: number): { path: string; bytes: Buffer } {
  const bytes = Buffer.alloc(size, "some text, ");
  bytes.write(markerText, Math.max(0, size - markerText.length));
  return { path: write(join(folder(), "file"), bytes), bytes };
}

test("a file of up to 256 KiB is read in one step, hash and markers", () => {
  for (const size of [0, 1, 100, 4096, 256 * kibibyte]) {
    const { path, bytes } = file(size);
    const now = new ContentNow(makePlan(wanting({ sizes: new Set([size]) })));
    expect(now.begin(opened(path), size).step(256 * kibibyte)).toEqual({
      hash: { value: [createHash("sha256").update(bytes).digest("hex")] },
      marker: size < markerText.length ? { absent: true } : { value: [needle] },
    });
  }
});

test("a large file is read slice by slice, each within its budget, while other files are read between the slices", () => {
  const large = file(3 * 1024 * kibibyte);
  const small = file(5000);
  const now = new ContentNow(makePlan(wanting({ sizes: new Set([large.bytes.length]) })));
  const descriptor = opened(large.path);
  const ongoing = now.begin(descriptor, large.bytes.length);
  let content = ongoing.step(600 * kibibyte);
  for (let slices = 1; content === undefined; slices += 1) {
    expect(slices).toBeLessThan(7);
    const other = now.begin(opened(small.path), small.bytes.length).step(600 * kibibyte);
    expect(other?.marker).toEqual({ value: [needle] });
    content = ongoing.step(600 * kibibyte);
  }
  expect(content.hash).toEqual({ value: [createHash("sha256").update(large.bytes).digest("hex")] });
  expect(content.marker).toEqual({ value: [needle] });
  expect(ongoing.step(1), "asked again, it says the same").toBe(content);
  expect(readSync(descriptor, Buffer.alloc(4)), "the descriptor's own offset has not moved").toBe(4);
  expect(readFileSync(large.path).subarray(0, 4).toString()).toBe("some");
});

test("a slice reads no more than its budget, and always something", () => {
  const { path, bytes } = file(2 * 1024 * kibibyte);
  const now = new ContentNow(makePlan(wanting()));
  const steps = (budget: number): number => {
    const ongoing = now.begin(opened(path), bytes.length);
    let count = 1;
    while (ongoing.step(budget) === undefined) count += 1;
    return count;
  };
  expect(steps(Infinity)).toBe(1);
  expect(steps(1100 * kibibyte)).toBe(2);
  expect(steps(1)).toBeGreaterThanOrEqual(8);
});

test("the gate and the agent read the same of the same file", async () => {
  for (const path of ["/bin/sleep", process.execPath, file(700 * kibibyte).path]) {
    const raw = rawFromText(path);
    const found = raw === undefined ? { unread: "no path" } : await openRegular(raw);
    if ("unread" in found) throw new Error(found.unread);
    const { size } = found.stamp;
    const wanted = wanting({ sizes: new Set([size]) });
    try {
      const agent = await new ContentReader(wanted).read(found);
      expect(new ContentNow(makePlan(wanted)).begin(opened(path), size).step(Infinity)).toEqual(agent);
      expect(agent.interpreter).toBe(path === process.execPath ? "node" : undefined);
    } finally {
      await found.file.close();
    }
  }
});

test("what cannot be read is unread with the reason, and a file that shrinks ends where it ends", () => {
  const now = new ContentNow(makePlan(wanting()));
  const unreadable = now.begin(opened(join(folder(), "new"), "w"), 10).step(1);
  expect(unreadable?.marker).toEqual({ unread: expect.stringContaining("EBADF") });
  expect(now.begin(opened("/"), 10).step(1)?.marker).toEqual({ unread: expect.stringContaining("EISDIR") });
  expect(now.begin(-1, 2 ** 31 + 1).step(1)?.marker).toEqual({ unread: "larger than 2147483648 bytes" });

  const { path, bytes } = file(1024 * kibibyte);
  const ongoing = now.begin(opened(path), bytes.length);
  expect(ongoing.step(1)).toBeUndefined();
  truncateSync(path, 100);
  expect(ongoing.step(Infinity)?.marker).toEqual({ absent: true });
  writeFileSync(path, "");
  expect(now.begin(opened(path), bytes.length).step(Infinity)?.marker).toEqual({ absent: true });
});
