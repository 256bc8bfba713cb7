import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readBounded, writeNew } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { decryptKey, encryptKey } from "#publish/encrypted-key.ts";
import { PublishError } from "#publish/error.ts";
import { signerOf, type PublicKeyJson, type Signer } from "#publish/signer.ts";

const maxKeyFile = 64 * 1024;

/** Shorter ones do not make scrypt worth its memory. */
export const shortestPassphrase = 8;

export interface NewKey {
  /** The encrypted private key: `NAME.key`, 0600. */
  readonly file: string;
  /** The public part: `NAME.pub`, JSON as in root metadata. */
  readonly publicFile: string;
  readonly keyid: string;
  readonly key: PublicKeyJson;
}

/**
 * A new ed25519 key in two files. Never overwrites one.
 * @throws PublishError EXISTS; KEY for a name or a passphrase that will not do
 */
export async function createKey(options: {
  readonly name: string;
  readonly dir: string;
  readonly passphrase: string;
}): Promise<NewKey> {
  const { name, dir, passphrase } = options;
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name))
    throw new PublishError("KEY", `"${name}" is not a key's name: letters, digits, dot, dash and underscore`);
  if (passphrase.length < shortestPassphrase)
    throw new PublishError("KEY", `the passphrase needs ${shortestPassphrase} characters at least`);
  const { privateKey } = generateKeyPairSync("ed25519");
  const { key, keyid } = signerOf(privateKey);
  const pem = await encryptKey(privateKey.export({ format: "der", type: "pkcs8" }), passphrase);
  const [file, publicFile] = [join(dir, `${name}.key`), join(dir, `${name}.pub`)];
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeKey(file, pem, 0o600);
  await writeKey(publicFile, `${JSON.stringify(key, null, 2)}\n`, 0o644);
  return { file, publicFile, keyid, key };
}

/** @throws PublishError KEY: it cannot be read, or the passphrase is wrong */
export async function loadKey(file: string, passphrase: string): Promise<Signer> {
  try {
    const der = await decryptKey((await readBounded(file, maxKeyFile)).toString(), passphrase);
    return signerOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  } catch (error) {
    const why =
      error instanceof PublishError || systemCode(error) !== undefined ? describe(error) : "the passphrase is wrong";
    throw new PublishError("KEY", `${file} cannot be used: ${why}`, { cause: error });
  }
}

const publicKeySchema = z.strictObject({
  keytype: z.string().max(100),
  scheme: z.string().max(100),
  keyval: z.strictObject({ public: z.string().max(16_384) }),
});

/** The public part of a key, as `createKey` writes it. @throws PublishError KEY */
export async function loadPublicKey(file: string): Promise<PublicKeyJson> {
  try {
    return publicKeySchema.parse(JSON.parse((await readBounded(file, maxKeyFile)).toString()));
  } catch (error) {
    throw new PublishError("KEY", `${file} is not the public part of a key`, { cause: error });
  }
}

export interface OnlineKeys {
  readonly snapshot: Signer;
  readonly timestamp: Signer;
}

/**
 * The two keys that a server signs with by itself, unencrypted and owner-only; made where they are missing and that is asked.
 * @throws PublishError KEY
 */
export async function onlineKeys(dir: string, missing: "make" | "refuse"): Promise<OnlineKeys> {
  if (missing === "make") await mkdir(dir, { recursive: true, mode: 0o700 });
  const key = async (role: string): Promise<Signer> => {
    const file = join(dir, `${role}.pem`);
    if (missing === "make") {
      const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
      await writeKey(file, pem, 0o600).catch((error: unknown) => {
        if (!(error instanceof PublishError && error.code === "EXISTS")) throw error;
      });
    }
    try {
      if (((await stat(file)).mode & 0o077) !== 0) throw new PublishError("KEY", "others may read it: chmod 600");
      return signerOf(createPrivateKey(await readBounded(file, maxKeyFile)));
    } catch (error) {
      throw new PublishError("KEY", `${file} cannot be used as the ${role} key`, { cause: error });
    }
  };
  return { snapshot: await key("snapshot"), timestamp: await key("timestamp") };
}

async function writeKey(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeNew(file, Buffer.from(text), mode);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw new PublishError("EXISTS", `${file} exists already`, { cause: error });
    throw new PublishError("KEY", `${file} cannot be written`, { cause: error });
  }
}
