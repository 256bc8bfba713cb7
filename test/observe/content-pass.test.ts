import { array, assert, constantFrom, integer, nat, oneof, property, record, subarray } from "fast-check";
import { expect, test } from "vitest";
import { contentPass, makePlan, piece, type Content, type ContentPlan } from "#observe/content-pass.ts";
import type { Range } from "#observe/reads.ts";
import type { Needle } from "#policy/evidence.ts";
import { sectioned, type Placed, type Sectioned } from "./sectioned.ts";

const mebibyte = 1024 * 1024;
const base = { encoding: "utf8", where: "anywhere" } as const;
const needles: readonly Needle[] = [
  { ...base, bytes: "com.example.marker" },
  { ...base, bytes: "com.example.marker", where: "tail" },
  { ...base, bytes: "com.example.marker", where: "elf-section", section: ".bun" },
  { ...base, bytes: "com.example.marker", where: "elf-section" },
  { ...base, bytes: "example.mark", where: "elf-section", section: ".rodata" },
  { ...base, bytes: "marker-of-another-tool", where: "elf-section", section: ".rodata" },
  { ...base, bytes: "wide-marker", encoding: "utf16le" },
  { ...base, bytes: "x".repeat(300), where: "tail" },
  { ...base, bytes: "ab" },
];

/** Does a pass with one buffer that is used again for every range, as the real ones do. */
function passOver(plan: ContentPlan, bytes: Buffer): Content {
  const buffer = Buffer.alloc(plan.longestRead);
  const pass = contentPass(plan, bytes.length);
  let next = pass.next();
  let promised: Range | undefined;
  while (next.done !== true) {
    const { offset, length, ahead } = next.value;
    expect({ offset, length }, "what was said to come next").toEqual(promised ?? { offset, length });
    promised = ahead;
    expect(length, "it fits the buffer").toBeLessThanOrEqual(buffer.length);
    expect(offset + length, "nothing past the end is asked for").toBeLessThanOrEqual(Math.max(64, bytes.length));
    buffer.fill(0xaa);
    next = pass.next(buffer.subarray(0, bytes.copy(buffer, 0, offset, offset + length)));
  }
  return next.value;
}

/** What the words say: every occurrence is looked at, and one in the right place is enough. */
function naively(needle: Needle, bytes: Buffer, sections: readonly Placed[]): boolean {
  const wanted = Buffer.from(needle.bytes, needle.encoding);
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    if (needle.where === "anywhere") return true;
    if (needle.where === "tail" && at >= bytes.length - mebibyte) return true;
    const inside = sections.some(
      (s) => (needle.section === undefined || needle.section === s.name) && at >= s.offset && at < s.offset + s.size,
    );
    if (needle.where === "elf-section" && inside) return true;
  }
  return false;
}

/** Where something changes: where the file, its tail, a piece or a section begins or ends. */
function landmarks({ bytes, sections }: Sectioned): readonly number[] {
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => i * piece);
  const ends = sections.flatMap(({ offset, size }) => [offset, offset + size]);
  const inside = sections.flatMap(({ offset, size }) =>
    [offset + piece, offset + 2 * piece].filter((x) => x < offset + size),
  );
  return [...pieces, bytes.length - mebibyte, bytes.length, ...ends, ...inside];
}

test("a pass finds exactly the markers that a plain search finds in their places, with a hash and without", () => {
  const size = integer({ min: 1000, max: 3 * mebibyte });
  const name = constantFrom(".bun", ".rodata", ".text");
  const sections = array(record({ name, offset: nat(3 * mebibyte), size: nat(mebibyte) }), { maxLength: 4 });
  const plants = array(
    record({ needle: constantFrom(...needles), landmark: nat(), by: integer({ min: -2, max: 1 }) }),
    {
      maxLength: 8,
    },
  );
  const wanted = oneof(subarray([...needles]), subarray(needles.filter((n) => n.where !== "anywhere")));
  assert(
    property(size, sections, plants, wanted, integer(), (bytes, laid, planted, looked, odd) => {
      const file = sectioned(bytes, laid, odd % 2 === 0 ? "com.example.marker" : "");
      const marks = landmarks(file);
      for (const { needle, landmark, by } of planted) {
        const text = Buffer.from(needle.bytes, needle.encoding);
        // Just before the landmark, across it, just after it.
        const shift = [-text.length, -(Math.abs(odd) % text.length), 0][landmark % 3] ?? 0;
        const at = (marks[landmark % marks.length] ?? 0) + shift + by;
        if (at >= file.body && at < file.bodyEnd) text.copy(file.bytes.subarray(0, file.bodyEnd), at);
      }
      const expected = looked.filter((needle) => naively(needle, file.bytes, file.sections));
      for (const hashed of [[], [file.bytes.length]]) {
        const { marker } = passOver(
          makePlan({ needles: looked, sizes: new Set(hashed), signers: new Set() }),
          file.bytes,
        );
        expect(marker).toEqual(expected.length === 0 ? { absent: true } : { value: expected });
      }
    }),
    { numRuns: 150 },
  );
});

test("a marker counts from the first byte of its section or of the tail up to the last one, by where it begins", () => {
  const laid = [{ name: ".bun", offset: 1000, size: 500 }];
  const inBun: Needle = { ...base, bytes: "qz", where: "elf-section", section: ".bun" };
  const inTail: Needle = { ...base, bytes: "qz", where: "tail" };
  const found = (needle: Needle, size: number, at: number): boolean => {
    const { bytes } = sectioned(size, laid);
    bytes.write("qz", at);
    return "value" in passOver(makePlan({ needles: [needle], sizes: new Set(), signers: new Set() }), bytes).marker;
  };
  for (const size of [10_000, 2 * mebibyte]) {
    expect([999, 1000, 1499, 1500].map((at) => found(inBun, size, at))).toEqual([false, true, true, false]);
  }
  expect([-1, 0, 1].map((by) => found(inTail, 2 * mebibyte, mebibyte + by))).toEqual([false, true, true]);
});

test("what only stands in sections or the tail is looked for nowhere else: the rest is not even read", () => {
  const file = sectioned(20 * mebibyte, [{ name: ".bun", offset: 5 * mebibyte, size: mebibyte }]);
  const asked = (wanted: readonly Needle[]): number => {
    let sum = 0;
    const pass = contentPass(makePlan({ needles: wanted, sizes: new Set(), signers: new Set() }), file.bytes.length);
    for (let next = pass.next(); next.done !== true;) {
      const { offset, length } = next.value;
      sum += length;
      next = pass.next(file.bytes.subarray(offset, offset + length));
    }
    return sum;
  };
  const inBun = needles.filter((n) => n.section === ".bun");
  expect(asked(inBun)).toBeLessThan(1.1 * mebibyte);
  expect(asked([...inBun, ...needles.filter((n) => n.where === "tail")])).toBeLessThan(2.2 * mebibyte);
  expect(asked(needles)).toBeGreaterThanOrEqual(20 * mebibyte);
});

function digest(wanted: readonly Needle[], sizes: readonly number[], signers: readonly string[] = []): string {
  return makePlan({ needles: wanted, sizes: new Set(sizes), signers: new Set(signers) }).digest;
}

test("a plan's digest names what it looks for: any other needle, size or signer makes another, their order does not", () => {
  expect(digest(needles, [1, 20, 3])).toBe(digest(needles.toReversed(), [20, 3, 1]));
  const others = [
    ...needles.map((_, i) => digest(needles.toSpliced(i, 1), [1, 20, 3])),
    digest(needles, [1, 20]),
    digest(needles, [12, 0, 3]),
    digest([...needles.slice(1), { ...base, bytes: "com.example.marker", encoding: "utf16le" }], [1, 20, 3]),
    digest(needles, [1, 20, 3], ["TEAM123456"]),
    digest(needles, [1, 20, 3], ["Tool, Inc."]),
    digest(needles, [1, 20, 3]),
  ];
  expect(new Set(others).size).toBe(others.length);
});
