import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, test } from "vitest";
import { parseTargets, type PublicKey, type Role } from "#trust/metadata.ts";
import { publicIdentity, verifyBytes, verifyThreshold } from "#trust/verify.ts";
import { asPem, pemKey } from "./pem.ts";
import { listed, signedFile, type Listed } from "./simulator.ts";

// Which keys are keys, which signatures are theirs, and which bytes are the promised ones.

const pemOf = (key: KeyObject): string => key.export({ format: "pem", type: "spki" });
const ec = (namedCurve: string): KeyObject => generateKeyPairSync("ec", { namedCurve }).publicKey;
const [ed25519, p256, rsa] = [listed(), pemKey("ecdsa-sha2-nistp256"), pemKey("rsassa-pss-sha256")];
const pem = {
  ed25519: asPem(ed25519).key.keyval.public,
  p256: p256.key.keyval.public,
  rsa: rsa.key.keyval.public,
  ed448: pemOf(generateKeyPairSync("ed448").publicKey),
  p384: pemOf(ec("P-384")),
  secp256k1: pemOf(ec("secp256k1")),
  rsa1024: pemKey("rsassa-pss-sha256", 1024).key.keyval.public,
  rsaPss: pemOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
};
/** Of a PEM its last bytes, in hex: where the raw key stands. */
const raw = (text: string, bytes: number): string =>
  Buffer.from(text.replace(/-----.*-----/g, ""), "base64")
    .subarray(-bytes)
    .toString("hex");
const hex = { ed25519: raw(pem.ed25519, 32), p256: raw(pem.p256, 65) };

test.each([
  ["ed25519", "ed25519", [pem.ed25519, hex.ed25519, hex.ed25519.toUpperCase()]],
  ["ecdsa", "ecdsa-sha2-nistp256", [pem.p256, hex.p256]],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", [pem.p256, hex.p256]],
  ["rsa", "rsassa-pss-sha256", [pem.rsa]],
])("a key of type %s for %s is the same key in every form", (keytype, scheme, forms) => {
  const found = forms.map((text) => publicIdentity({ keytype, scheme, public: text }));
  expect(new Set(found).size).toBe(1);
  expect(found[0]).toMatch(/^\["(OKP|EC|RSA)",/);
});

const types = ["ed25519", "ecdsa", "ecdsa-sha2-nistp256", "rsa", "", "ed448"];
const schemes = { ed25519: pem.ed25519, "ecdsa-sha2-nistp256": pem.p256, "rsassa-pss-sha256": pem.rsa, "": pem.p256 };
const right = [
  "ed25519 ed25519",
  "ecdsa ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp256 ecdsa-sha2-nistp256",
  "rsa rsassa-pss-sha256",
];
const mixed = Object.entries(schemes)
  .flatMap(([scheme, text]) => types.map((keytype) => ({ keytype, scheme, text })))
  .filter(({ keytype, scheme }) => !right.includes(`${keytype} ${scheme}`));

test.each(mixed)('a key of type "$keytype" for "$scheme" is none', ({ keytype, scheme, text }) => {
  expect(publicIdentity({ keytype, scheme, public: text })).toBeUndefined();
});

test.each<[what: string, keytype: string, scheme: string, text: string | undefined]>([
  ["no text", "ed25519", "ed25519", undefined],
  ["an empty text", "ed25519", "ed25519", ""],
  ["another Edwards curve", "ed25519", "ed25519", pem.ed448],
  ["a point of P-256", "ed25519", "ed25519", pem.p256],
  ["a byte too few", "ed25519", "ed25519", hex.ed25519.slice(2)],
  ["a byte too many", "ed25519", "ed25519", `${hex.ed25519}00`],
  ["half a byte too many", "ed25519", "ed25519", `${hex.ed25519}0`],
  ["what is no hex", "ed25519", "ed25519", "z".repeat(64)],
  ["what is no hex at its end", "ed25519", "ed25519", `${hex.ed25519.slice(2)}zz`],
  ["what is no hex behind it", "ed25519", "ed25519", `${hex.ed25519}zz`],
  ["P-384", "ecdsa", "ecdsa-sha2-nistp256", pem.p384],
  ["the curve of coins", "ecdsa", "ecdsa-sha2-nistp256", pem.secp256k1],
  ["a byte too few of P-256", "ecdsa", "ecdsa-sha2-nistp256", hex.p256.slice(0, -2)],
  ["a byte too many of P-256", "ecdsa", "ecdsa-sha2-nistp256", `${hex.p256}00`],
  ["1,024 bits of RSA", "rsa", "rsassa-pss-sha256", pem.rsa1024],
  ["RSA that is for PSS alone", "rsa", "rsassa-pss-sha256", pem.rsaPss],
  ["a point, for RSA", "rsa", "rsassa-pss-sha256", pem.p256],
  ["RSA in hex", "rsa", "rsassa-pss-sha256", raw(pem.rsa, 294)],
  ["a PEM behind something else", "ed25519", "ed25519", `x\n${pem.ed25519}`],
])("a key that is %s is none", (_what, keytype, scheme, text) => {
  expect(publicIdentity({ keytype, scheme, public: text })).toBeUndefined();
});

const content = { _type: "targets", spec_version: "1.0", version: 1, expires: "2027-01-01T00:00:00Z", targets: {} };

/** What is found where `keys` are a role's, and the signatures are those of `signed`, changed. */
async function signers(
  keys: readonly Listed[],
  threshold: number,
  signed: readonly Listed[],
  change: (file: string) => string = (file) => file,
): Promise<ReadonlySet<string>> {
  const role: Role = { keyids: keys.map(({ keyid }) => keyid), threshold };
  const known = keys.map(({ keyid, key }): [string, PublicKey] => [
    keyid,
    { keytype: key.keytype, scheme: key.scheme, public: key.keyval.public },
  ]);
  const metadata = parseTargets(Buffer.from(change((await signedFile(content, signed)).toString())));
  return verifyThreshold(metadata, role, new Map(known), "group-a");
}
const identities = (...keys: readonly Listed[]): Set<unknown> =>
  new Set(
    keys.map(({ key: { keytype, scheme, keyval } }) => publicIdentity({ keytype, scheme, public: keyval.public })),
  );

const large = (file: string): string => file.replace(/(?<="sig":")[0-9a-f]*/, (sig) => sig.toUpperCase());

test.each([
  ["ed25519", ed25519],
  ["ecdsa-sha2-nistp256", p256],
  ["ecdsa-sha2-nistp256 of the older spelling", { ...p256, key: { ...p256.key, keytype: "ecdsa-sha2-nistp256" } }],
  ["ecdsa-sha2-nistp256 in hex", { ...p256, key: { ...p256.key, keyval: { public: hex.p256 } } }],
  ["rsassa-pss-sha256", rsa],
])("a signature with %s is taken as it was made, in small and large letters", async (_what, key) => {
  expect(await signers([key], 1, [key])).toEqual(identities(key));
  expect(await signers([key], 1, [key], large)).toEqual(identities(key));
  for (const other of ["", "00", "zz"])
    await expect(
      signers([key], 1, [key], (file) => file.replace(/(?<="sig":"[0-9a-f]*)(?=")/, `${other}0`)),
    ).rejects.toMatchObject({ code: "SIGNATURE", file: "group-a", seen: 0, wanted: 1 });
  await expect(signers([key], 1, [key], (file) => file.replace('"version":1', '"version":2'))).rejects.toMatchObject({
    code: "SIGNATURE",
    message: "group-a.json is signed by 0 of the 1 keys it needs",
  });
});

test("as many keys are counted as are needed, in the role's order, and each once", async () => {
  const [one, two, three] = [listed(), listed(), listed()];
  const again = { ...one, keyid: "again" };
  expect(await signers([one, two, three], 2, [three, two, one])).toEqual(identities(one, two));
  expect(await signers([one, two, three], 2, [three, one])).toEqual(identities(one, three));
  await expect(signers([one, again, asPem(one), two], 2, [one, again, asPem(one)])).rejects.toMatchObject({ seen: 1 });
  expect(await signers([one, again, two], 2, [one, again, two])).toEqual(identities(one, two));
});

test.each<[what: string, key: Listed["key"]]>([
  ["is of no type", { ...ed25519.key, keytype: "new" }],
  ["is no PEM", { ...ed25519.key, keyval: { public: "-----BEGIN PUBLIC KEY-----\nnothing" } }],
  ["is a PEM of nothing", { ...p256.key, keyval: { public: pem.p256.replace(/\n.*\n/, "\n") } }],
])("a key that %s is no harm beside one that signed", async (_what, key) => {
  const stranger = { ...listed(), key };
  expect(await signers([stranger, ed25519], 1, [stranger, ed25519])).toEqual(identities(ed25519));
});

/** The same file with this signature, and nested deeper than what can be signed. */
const deep =
  (sig: string) =>
  (file: string): string =>
    file
      .replace(/"sig":"[0-9a-f]*"/, `"sig":"${sig}"`)
      .replace('"targets":{}', `"targets":{},"deep":${"[".repeat(50)}${"]".repeat(50)}`);

test("for a signature that cannot be one nothing is written canonically", async () => {
  for (const sig of ["", "0", "000", "zz00", "00zz", " 00"])
    await expect(signers([ed25519], 1, [ed25519], deep(sig))).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(signers([ed25519], 1, [p256], deep("00"))).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(signers([ed25519], 1, [ed25519], deep("00"))).rejects.toMatchObject({ code: "FORMAT", file: "group-a" });
});

const bytes = Buffer.from("policy");
const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest("hex");
const good = [["sha256", hash("sha256")] as const, ["sha512", hash("sha512")] as const];

test("bytes of the promised length and hashes are the promised ones, and where nothing is promised any are", () => {
  for (const hashes of [undefined, [], good.slice(0, 1), good.slice(1), good])
    for (const length of [undefined, 6])
      expect(() => verifyBytes(bytes, { length, hashes: hashes && new Map(hashes) }, "x")).not.toThrow();
});

test.each<[length: number | undefined, hashes: readonly (readonly [string, string])[], error: object]>([
  [5, good, { message: "x has 6 bytes instead of 5", seen: 6, wanted: 5 }],
  [7, [], { message: "x has 6 bytes instead of 7", seen: 6, wanted: 7 }],
  [
    undefined,
    [["sha512", "00"]],
    { message: "x is not the file that was signed (sha512)", seen: hash("sha512"), wanted: "00" },
  ],
  [
    6,
    [...good.slice(1), ["sha256", ""]],
    { message: "x is not the file that was signed (sha256)", seen: hash("sha256"), wanted: "" },
  ],
  [6, [...good, ["md5", hash("md5")]], { message: "x: unknown hash md5" }],
  [6, [["sha1", hash("sha1")]], { message: "x: unknown hash sha1" }],
  [6, [["", ""]], { message: "x: unknown hash" }],
])("bytes that are not the promised ones are a MISMATCH: %#", (length, hashes, error) => {
  expect(() => verifyBytes(bytes, { length, hashes: new Map(hashes) }, "x")).toThrow(
    expect.objectContaining({ code: "MISMATCH", file: "x", ...error }),
  );
});
