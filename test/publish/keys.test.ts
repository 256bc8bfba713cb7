import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmod, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { DerReader, encode, encodeInteger, tag } from "#publish/der.ts";
import { parseInstant } from "#lib/pure/instant.ts";
import { run } from "#platform/commands.ts";
import { publicKeyOf } from "#publish/content.ts";
import { createKey, loadKey, loadPublicKey, openKey } from "#publish/keys.ts";
import { fileOf, signed } from "#publish/metadata.ts";
import { newOnlineKey, onlineKeyFor, onlineKeys, retireOnlineKeys } from "#publish/online-keys.ts";
import { firstTargetsJson } from "#publish/propose-root.ts";
import { keyidOf, type Signer } from "#publish/signer.ts";
import { parseTargets } from "#trust/metadata.ts";
import { verifyThreshold } from "#trust/verify.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";

const passphrase = "correct horse battery";

test("a key that was made is loaded again and signs what its public part verifies", async () => {
  const dir = await temporaryFolder();
  const made = await createKey({ name: "ann", dir, passphrase });
  const signer = await loadKey(made.file, passphrase);
  const key = await loadPublicKey(made.publicFile);
  expect([signer.keyid, keyidOf(key), key]).toEqual([made.keyid, made.keyid, made.key]);
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(key.keyval.public, "hex")]);
  const message = Buffer.from("message");
  const signature = Buffer.from(await signer.sign(message), "hex");
  expect(verify(null, message, createPublicKey({ key: spki, format: "der", type: "spki" }), signature)).toBe(true);
});

test("the private part is for its owner alone, encrypted, and never overwritten", async () => {
  const dir = await temporaryFolder();
  const { file, publicFile } = await createKey({ name: "ann", dir, passphrase });
  expect([(await stat(file)).mode & 0o777, (await stat(publicFile)).mode & 0o777]).toEqual([0o600, 0o644]);
  expect(await readFile(file, "utf8")).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  await expect(createKey({ name: "ann", dir, passphrase })).rejects.toMatchObject({ code: "EXISTS" });
  expect(await readdir(dir)).toEqual(["ann.key", "ann.pub"]);
});

test("a guess at the passphrase costs 128 MiB of scrypt", async () => {
  const { file } = await createKey({ name: "ann", dir: await temporaryFolder(), passphrase });
  const der = Buffer.from((await readFile(file, "utf8")).replace(/-----.*-----|\s/g, ""), "base64");
  const parameters = new DerReader(der).sequence().sequence();
  parameters.next(tag.oid);
  const kdf = parameters.sequence().sequence();
  kdf.next(tag.oid);
  const numbers = kdf.sequence();
  expect(numbers.next(tag.octets)).toHaveLength(16);
  expect([numbers.integer(), numbers.integer(), numbers.integer()]).toEqual([131_072, 8, 1]);
});

test("a wrong passphrase, a damaged file and one that asks for endless work are refused with the file's name", async () => {
  const { file } = await createKey({ name: "ann", dir: await temporaryFolder(), passphrase });
  const good = await readFile(file, "utf8");
  const refused = { name: "PublishError", code: "KEY", message: expect.stringContaining("ann.key") };
  await expect(loadKey(file, "wrong")).rejects.toMatchObject(refused);
  const der = Buffer.from(good.replace(/-----.*-----|\s/g, ""), "base64");
  const at = der.indexOf(encodeInteger(131_072));
  const costly = Buffer.concat([
    der.subarray(0, at),
    encode(tag.integer, Buffer.from([0x10, 0, 0])),
    der.subarray(at + 5),
  ]);
  const endless = Buffer.from(costly);
  endless[at + 2] = 0x7f;
  for (const bytes of [der.subarray(0, 60), Buffer.alloc(200), endless]) {
    await writeFile(
      file,
      `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${bytes.toString("base64")}\n-----END ENCRYPTED PRIVATE KEY-----\n`,
    );
    await expect(loadKey(file, passphrase)).rejects.toMatchObject(refused);
  }
  await truncate(file, 40);
  await expect(loadKey(file, passphrase)).rejects.toMatchObject(refused);
});

test.each(["../ann", "", ".ann", "a/b", "a b", "x".repeat(65)])("%j is no key's name", async (name) => {
  await expect(createKey({ name, dir: await temporaryFolder(), passphrase })).rejects.toMatchObject({ code: "KEY" });
});

test("a passphrase that is too short is refused before a file is written", async () => {
  const dir = await temporaryFolder();
  await expect(createKey({ name: "ann", dir, passphrase: "1234567" })).rejects.toMatchObject({ code: "KEY" });
  expect(await readdir(dir)).toEqual([]);
});

test("the server's own keys are made once, for its owner alone, and never made anew where they are damaged", async () => {
  const dir = join(await temporaryFolder(), "keys");
  expect(await onlineKeys(dir, "timestamp")).toEqual([]);
  const first = await onlineKeyFor(dir, "timestamp");
  const other = await onlineKeyFor(dir, "snapshot");
  expect((await onlineKeyFor(dir, "timestamp")).keyid).toBe(first.keyid);
  expect(other.keyid).not.toBe(first.keyid);
  const file = join(dir, "timestamp.pem");
  expect([(await stat(dir)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
  await chmod(file, 0o644);
  await expect(onlineKeyFor(dir, "timestamp")).rejects.toMatchObject({ code: "KEY" });
  await chmod(file, 0o600);
  await truncate(file, 10);
  await expect(onlineKeyFor(dir, "timestamp")).rejects.toMatchObject({ code: "KEY" });
});

test("a key that is to replace one lies beside it until it does, and what counts no longer is taken away", async () => {
  const dir = join(await temporaryFolder(), "keys");
  const old = await onlineKeyFor(dir, "timestamp");
  const next = newOnlineKey("timestamp");
  await next.save(dir);
  await onlineKeyFor(dir, "snapshot");
  expect((await onlineKeys(dir, "timestamp")).map((key) => key.keyid).toSorted()).toEqual(
    [old.keyid, next.keyid].toSorted(),
  );
  await retireOnlineKeys(dir, "timestamp", [next.keyid]);
  expect((await onlineKeys(dir, "timestamp")).map((key) => key.keyid)).toEqual([next.keyid]);
  expect(await onlineKeys(dir, "snapshot")).toHaveLength(1);
});

test("a file among the server's keys that cannot be read stops no other key, and is left where it is", async () => {
  const dir = join(await temporaryFolder(), "keys");
  const good = await onlineKeyFor(dir, "timestamp");
  await writeFile(join(dir, "timestamp-0123456789abcdef.pem"), "damaged", { mode: 0o600 });
  expect((await onlineKeys(dir, "timestamp")).map(({ keyid }) => keyid)).toEqual([good.keyid]);
  await retireOnlineKeys(dir, "timestamp", []);
  expect(await readdir(dir)).toEqual(["timestamp-0123456789abcdef.pem"]);
});

test("an ECDSA key signs what a client believes", async () => {
  const made = await createKey({ name: "ann", dir: await temporaryFolder(), passphrase, type: "ecdsa-p256" });
  expect(made.key).toMatchObject({ keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256" });
  const signer = await loadKey(made.file, passphrase);
  expect(signer.keyid).toBe(made.keyid);
  await expect(believed(signer)).resolves.toBe(1);
});

const noOpenssl = lacking("openssl");
test.skipIf(noOpenssl !== undefined)(
  "a key that lies elsewhere signs through the program that its description names, and through no shell",
  async () => {
    const dir = await temporaryFolder();
    const [secret, pem] = [join(dir, "it's $HOME.pem"), join(dir, "token.pem")];
    execFileSync("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", secret]);
    execFileSync("openssl", ["ec", "-in", secret, "-pubout", "-out", pem], { stdio: "ignore" });
    const file = await described(dir, pem, ["/usr/bin/openssl", "dgst", "-sha256", "-sign", secret]);
    const signer = await openKey(file, opening);
    expect(keyidOf(await loadPublicKey(file))).toBe(signer.keyid);
    await expect(believed(signer)).resolves.toBe(1);
  },
);

test.each([
  [
    "one that fails",
    ["/bin/sh", "-c", "echo the token is locked >&2; exit 3"],
    "ended with code 3: the token is locked",
  ],
  ["one that gives no signature", ["/bin/echo", "hello"], "no signature of this key"],
  ["one that is silent", ["/bin/true"], "0 bytes that are no signature"],
  ["one that is not there", ["/nonexistent/sign"], "not installed"],
])("a program that signs, %s, ends the signing with its words", async (_what, command, words) => {
  const dir = await temporaryFolder();
  const pem = join(dir, "token.pem");
  const { publicKey } = generateKeyPairSync("ed25519");
  await writeFile(pem, publicKey.export({ format: "pem", type: "spki" }));
  const signer = await openKey(await described(dir, pem, command), opening);
  await expect(signer.sign(Buffer.from("x"))).rejects.toThrow(words);
});

test.each([
  ["a program without its path", { command: ["sign"] }],
  ["no program", { command: [] }],
  ["a private key", { publicKey: "-----BEGIN PRIVATE KEY-----" }],
  [
    "a key of another kind",
    {
      publicKey: generateKeyPairSync("ec", { namedCurve: "secp384r1" }).publicKey.export({
        format: "pem",
        type: "spki",
      }),
    },
  ],
  ["more than is known", { shell: true }],
])("a key description with %s is refused", async (_what, change) => {
  const dir = await temporaryFolder();
  const publicKey = generateKeyPairSync("ed25519").publicKey.export({ format: "pem", type: "spki" });
  const whole = { format: "edict-key", formatVersion: 1, publicKey, command: ["/bin/true"], ...change };
  await writeFile(join(dir, "token.json"), JSON.stringify(whole));
  await expect(openKey(join(dir, "token.json"), opening)).rejects.toMatchObject({ code: "KEY" });
});

const opening = {
  passphrase: () => Promise.resolve(passphrase),
  run: (file: string, args: readonly string[], input: Uint8Array) => run(file, args, { input }),
};

async function described(dir: string, pem: string, command: readonly string[]): Promise<string> {
  const file = join(dir, "token.json");
  const publicKey = await readFile(pem, "utf8");
  await writeFile(file, JSON.stringify({ format: "edict-key", formatVersion: 1, publicKey, command }));
  return file;
}

/** How many signatures a client counts on a file that this key has signed. */
async function believed(signer: Signer): Promise<number> {
  const file = fileOf(await signed(firstTargetsJson(parseInstant("2026-07-10T00:00:00Z")), [signer]));
  const keys = new Map([[signer.keyid, publicKeyOf(signer.key)]]);
  return verifyThreshold(parseTargets(file), { keyids: [signer.keyid], threshold: 1 }, keys).size;
}

test("every number and every length survives DER", () => {
  assert(
    property(integer({ min: 0, max: 2 ** 31 - 1 }), integer({ min: 0, max: 70_000 }), (number, length) => {
      expect(new DerReader(encodeInteger(number)).integer()).toBe(number);
      expect(new DerReader(encode(tag.octets, Buffer.alloc(length))).next(tag.octets)).toHaveLength(length);
    }),
  );
});
