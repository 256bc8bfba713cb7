import { createPublicKey, verify } from "node:crypto";
import { chmod, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { DerReader, encode, encodeInteger, tag } from "#publish/der.ts";
import { createKey, loadKey, loadPublicKey, onlineKeys } from "#publish/keys.ts";
import { keyidOf } from "#publish/signer.ts";
import { temporaryFolder } from "../lib/temporary.ts";

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
  await expect(onlineKeys(dir, "refuse")).rejects.toMatchObject({ code: "KEY" });
  const first = await onlineKeys(dir, "make");
  const again = await onlineKeys(dir, "make");
  expect([again.snapshot.keyid, again.timestamp.keyid]).toEqual([first.snapshot.keyid, first.timestamp.keyid]);
  expect(first.snapshot.keyid).not.toBe(first.timestamp.keyid);
  const file = join(dir, "timestamp.pem");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o644);
  await expect(onlineKeys(dir, "refuse")).rejects.toMatchObject({ code: "KEY" });
  await chmod(file, 0o600);
  await truncate(file, 10);
  await expect(onlineKeys(dir, "make")).rejects.toMatchObject({ code: "KEY" });
});

test("every number and every length survives DER", () => {
  assert(
    property(integer({ min: 0, max: 2 ** 31 - 1 }), integer({ min: 0, max: 70_000 }), (number, length) => {
      expect(new DerReader(encodeInteger(number)).integer()).toBe(number);
      expect(new DerReader(encode(tag.octets, Buffer.alloc(length))).next(tag.octets)).toHaveLength(length);
    }),
  );
});
