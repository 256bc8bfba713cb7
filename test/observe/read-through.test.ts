import { array, assert, asyncProperty, boolean, integer, nat, record } from "fast-check";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { rawFromText } from "#observe/raw-path.ts";
import { openRegular, type Opened } from "#observe/read-file.ts";
import { readThrough } from "#observe/read-through.ts";
import type { Range, Reads } from "#observe/reads.ts";
import { folder, write } from "./place.ts";

async function opened(path: string): Promise<Opened> {
  const raw = rawFromText(path);
  const found = raw === undefined ? { unread: "no path" } : await openRegular(raw);
  if ("unread" in found) throw new Error(found.unread);
  onTestFinished(() => found.file.close());
  return found;
}

/** Asks for the ranges in turn, each with the next one ahead where `ahead` says so; gives copies of what it was handed. */
function* inTurn(ranges: readonly Range[], ahead: readonly boolean[], ends = ranges.length): Reads<readonly Buffer[]> {
  const got: Buffer[] = [];
  for (const [i, range] of ranges.slice(0, ends).entries())
    got.push(Buffer.from(yield { ...range, ahead: ahead[i] === true ? ranges[i + 1] : undefined }));
  return got;
}

test("work is handed what it asks for, whether it was read ahead or not, into one buffer or two, and where the file ends", async () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251));
  const file = await opened(write(join(folder(), "file"), bytes));
  const range = record({ offset: nat(6000), length: nat(2000) });
  await assert(
    asyncProperty(
      array(range, { maxLength: 12 }),
      array(boolean(), { minLength: 12 }),
      nat(12),
      integer({ min: 0, max: 2000 }),
      boolean(),
      async (ranges, ahead, ends, room, two) => {
        const rooms = [Buffer.alloc(room), two ? Buffer.alloc(room) : undefined] as const;
        const got = await readThrough(file, inTurn(ranges, ahead, ends), ...rooms);
        expect(got).toEqual(ranges.slice(0, ends).map((r) => bytes.subarray(r.offset, r.offset + r.length)));
      },
    ),
  );
});

function* inOneBuffer(): Reads<boolean> {
  const first = yield { offset: 0, length: 4, ahead: { offset: 4, length: 4 } };
  const second = yield { offset: 4, length: 4 };
  return first.buffer === second.buffer;
}

test("what is read ahead is read beside what the work has, never over it", async () => {
  const file = await opened(write(join(folder(), "file"), "abcdefgh"));
  expect(await readThrough(file, inOneBuffer(), Buffer.alloc(4), Buffer.alloc(4))).toBe(false);
  expect(await readThrough(file, inOneBuffer(), Buffer.alloc(4)), "with one buffer nothing is read ahead").toBe(true);
});

const nowhere: Range = { offset: -2, length: 4 };

function* fails(): Reads<never> {
  yield { offset: 0, length: 4, ahead: nowhere };
  throw new Error("the work's own");
}

test("what cannot be read ahead matters only to work that asks for it", async () => {
  const file = await opened(write(join(folder(), "file"), "abcdefgh"));
  const [one, two] = [Buffer.alloc(4), Buffer.alloc(4)];
  const ranges = [{ offset: 0, length: 4 }, nowhere];
  expect(await readThrough(file, inTurn(ranges, [true], 1), one, two)).toEqual([Buffer.from("abcd")]);
  await expect(readThrough(file, inTurn(ranges, [true]), one, two)).rejects.toThrow(RangeError);
  await expect(readThrough(file, fails(), one, two)).rejects.toThrow("the work's own");
});
