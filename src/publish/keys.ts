import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { createAtomic, readBounded } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { publicIdentity } from "#trust/verify.ts";
import { commandSigner, parseKeyDescription, type RunProgram } from "#publish/command-key.ts";
import { decryptKey, encryptKey } from "#publish/encrypted-key.ts";
import { PublishError } from "#publish/error.ts";
import {
  keyidOf,
  newPrivateKey,
  publicPartOf,
  signerOf,
  type KeyType,
  type PublicKeyJson,
  type Signer,
} from "#publish/signer.ts";

export const maxKeyFile = 64 * 1024;

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
 * A new key in two files. Never overwrites one.
 * @throws PublishError EXISTS; KEY for a name or a passphrase that will not do
 */
export async function createKey(options: {
  readonly name: string;
  readonly dir: string;
  readonly passphrase: string;
  readonly type?: KeyType;
}): Promise<NewKey> {
  const { name, dir, passphrase, type = "ed25519" } = options;
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name))
    throw new PublishError("KEY", `"${name}" is not a key's name: letters, digits, dot, dash and underscore`);
  if (passphrase.length < shortestPassphrase)
    throw new PublishError("KEY", `the passphrase needs ${shortestPassphrase} characters at least`);
  const privateKey = newPrivateKey(type);
  const { key } = publicPartOf(createPublicKey(privateKey));
  const pem = await encryptKey(privateKey.export({ format: "der", type: "pkcs8" }), passphrase);
  const [file, publicFile] = [join(dir, `${name}.key`), join(dir, `${name}.pub`)];
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeKey(file, pem, 0o600);
  await writeKey(publicFile, publicText(key), 0o644);
  return { file, publicFile, keyid: keyidOf(key), key };
}

/** What a file with a public part holds. */
export function publicText(key: PublicKeyJson): string {
  return `${JSON.stringify(key, null, 2)}\n`;
}

/** How a key file is opened. */
export interface Opening {
  /** Asked for only where the file is encrypted. */
  readonly passphrase: () => Promise<string>;
  /** Starts the program that a key description names. */
  readonly run: RunProgram;
}

/** A key file, or the description of a key that lies elsewhere. @throws PublishError KEY */
export async function openKey(file: string, { passphrase, run }: Opening): Promise<Signer> {
  const text = (await readKey(file)).toString();
  if (!text.startsWith("{")) return loadKey(file, await passphrase());
  return unusable(file, () => commandSigner(parseKeyDescription(text), run));
}

/** @throws PublishError KEY: it cannot be read, or the passphrase is wrong */
export async function loadKey(file: string, passphrase: string): Promise<Signer> {
  const text = (await readKey(file)).toString();
  return unusable(file, async () => signerOf(privateKeyOf(await decryptKey(text, passphrase))));
}

function privateKeyOf(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (error) {
    throw new PublishError("KEY", "the passphrase is wrong", { cause: error });
  }
}

function readKey(file: string): Promise<Buffer> {
  return unusable(file, () => readBounded(file, maxKeyFile));
}

async function unusable<T>(file: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new PublishError("KEY", `${file} cannot be used: ${describe(error)}`, { cause: error });
  }
}

const publicKeySchema = z
  .strictObject({
    keytype: z.string().max(100),
    scheme: z.string().max(100),
    keyval: z.strictObject({ public: z.string().max(16_384) }),
  })
  .refine((key) => identityOf(key) !== undefined, { error: "a key that signatures can be verified with" });

/** Whether a file holds a public part alone: whoever has no more than that cannot sign here. @throws PublishError KEY */
export async function isPublicPart(file: string): Promise<boolean> {
  return /^\s*\{\s*"keytype"/.test((await readKey(file)).toString());
}

/** The public part of a key, as `createKey` writes it, or of a key description. @throws PublishError KEY */
export async function loadPublicKey(file: string): Promise<PublicKeyJson> {
  const text = (await readKey(file)).toString();
  try {
    const value: unknown = JSON.parse(text);
    const described = typeof value === "object" && value !== null && "format" in value;
    if (described) return publicPartOf(createPublicKey(parseKeyDescription(text).publicKey)).key;
    return publicKeySchema.parse(value);
  } catch (error) {
    throw new PublishError("KEY", `${file} is not the public part of a key`, { cause: error });
  }
}

/** The key itself, whatever it is called or however it is written; undefined where it is none that clients verify with. */
export function identityOf({ keytype, scheme, keyval }: PublicKeyJson): string | undefined {
  try {
    return publicIdentity({ keytype, scheme, public: keyval.public });
  } catch {
    return undefined;
  }
}

/** @throws PublishError EXISTS, KEY */
export async function writeKey(file: string, text: string, mode: number): Promise<void> {
  try {
    await createAtomic(file, Buffer.from(text), mode);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw new PublishError("EXISTS", `${file} exists already`, { cause: error });
    throw new PublishError("KEY", `${file} cannot be written`, { cause: error });
  }
}
