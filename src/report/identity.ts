import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readBounded, syncFolder, writeAtomic, writeNew } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { deviceIdSchema, type DeviceId } from "#protocol/enrolment.ts";
import { ReportError } from "#report/report-error.ts";
import { ownFolder } from "#report/spool-folder.ts";

/** Who this device is: its own Ed25519 key, made here, which never leaves. */
export interface DeviceIdentity {
  /** SHA-256 of the public key's SubjectPublicKeyInfo (DER), in hexadecimal. */
  readonly id: DeviceId;
  readonly key: KeyObject;
  /** The raw 32 bytes of the public key, base64url. */
  readonly publicKey: string;
  /** The server that knows this key; undefined before the first enrolment. */
  readonly enrolledAt: string | undefined;
}

const keyFile = "device.key";
const enrolledFile = "enrolled.json";
const enrolledSchema = z.object({ server: z.string() });

/** @throws ReportError `IDENTITY` when there is a key that cannot be read: a new one would be another device */
export async function loadIdentity(dir: string): Promise<DeviceIdentity | undefined> {
  const file = join(dir, keyFile);
  let pem: Buffer;
  try {
    pem = await readBounded(file, 4096);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new ReportError("IDENTITY", `${file} cannot be read: ${describe(error)}`, { cause: error });
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`a key of type ${key.asymmetricKeyType ?? "unknown"}`);
    return { ...namesOf(key), enrolledAt: await enrolledWith(dir) };
  } catch (error) {
    const what = `${file} is no Ed25519 key; move it away, and this device enrols as a new one`;
    throw new ReportError("IDENTITY", what, { cause: error });
  }
}

/** The device's identity, made now if there is none. @throws ReportError `IDENTITY` */
export async function openIdentity(dir: string): Promise<DeviceIdentity> {
  const found = await loadIdentity(dir);
  if (found !== undefined) return found;
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    await ownFolder(dir);
    await unlink(join(dir, enrolledFile)).catch(() => undefined); // it spoke of another key
    await writeNew(join(dir, keyFile), Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })), 0o600);
    await syncFolder(dir);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return openIdentity(dir); // another process was faster
    if (error instanceof ReportError) throw error;
    throw new ReportError("IDENTITY", `no device key can be made in ${dir}: ${describe(error)}`, { cause: error });
  }
  return { ...namesOf(privateKey), enrolledAt: undefined };
}

/** Remembers that a server knows this key. */
export async function markEnrolled(dir: string, server: string): Promise<void> {
  await writeAtomic(join(dir, enrolledFile), Buffer.from(JSON.stringify({ server })), 0o600);
}

function namesOf(key: KeyObject): Omit<DeviceIdentity, "enrolledAt"> {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const id = deviceIdSchema.parse(createHash("sha256").update(spki).digest("hex"));
  return { id, key, publicKey: spki.subarray(-32).toString("base64url") };
}

async function enrolledWith(dir: string): Promise<string | undefined> {
  try {
    const text = (await readBounded(join(dir, enrolledFile), 4096)).toString("utf8");
    return enrolledSchema.parse(JSON.parse(text)).server;
  } catch {
    return undefined; // enrolling once more changes nothing
  }
}
