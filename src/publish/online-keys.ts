import { createPrivateKey } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readBounded, syncFolder } from "#lib/atomic-file.ts";
import { systemCode } from "#lib/errors.ts";
import { PublishError } from "#publish/error.ts";
import { maxKeyFile, writeKey } from "#publish/keys.ts";
import { newPrivateKey, signerOf, type Signer } from "#publish/signer.ts";

/** The roles whose keys lie with the server, which signs with them by itself. They can ban nothing. */
export const onlineRoles = ["snapshot", "timestamp", "exceptions"] as const;
export type OnlineRole = (typeof onlineRoles)[number];

/**
 * Every key of a role in the server's folder: `ROLE.pem`, and `ROLE-ID.pem` of one that was made to replace it. Which of
 * them counts is said by the metadata in force; so a rotation needs no step in which a file and the repository disagree.
 * @throws PublishError KEY where none of them can be used: others may read it, or it is no key
 */
export async function onlineKeys(dir: string, role: OnlineRole): Promise<readonly Signer[]> {
  const tried = await Promise.allSettled((await filesOf(dir, role)).map((file) => load(file, role)));
  const keys = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const [first] = tried;
  if (keys.length === 0 && first?.status === "rejected") throw first.reason;
  return keys;
}

/** A new key for a role, in memory until it is saved; it counts once a proposal that names it is in force. */
export interface NewOnlineKey extends Signer {
  /** Puts it beside those that are there. @throws PublishError KEY */
  save(dir: string): Promise<void>;
}

export function newOnlineKey(role: OnlineRole): NewOnlineKey {
  const key = newPrivateKey("ed25519");
  const signer = signerOf(key);
  return {
    ...signer,
    save: async (dir) => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const first = (await filesOf(dir, role)).length === 0;
      const file = join(dir, first ? `${role}.pem` : `${role}-${signer.keyid.slice(0, 16)}.pem`);
      await writeKey(file, key.export({ format: "pem", type: "pkcs8" }), 0o600);
    },
  };
}

/** The key that is there already, else a new one. */
export async function onlineKeyFor(dir: string, role: OnlineRole): Promise<Signer> {
  const [known] = await onlineKeys(dir, role);
  if (known !== undefined) return known;
  const made = newOnlineKey(role);
  await made.save(dir);
  return made;
}

/** Removes the keys of a role that are not among these: what is no longer in force must not be stolen either. */
export async function retireOnlineKeys(dir: string, role: OnlineRole, kept: readonly string[]): Promise<void> {
  let removed = false;
  for (const file of await filesOf(dir, role)) {
    // What cannot be read is nobody's to throw away.
    const keyid = await load(file, role).then(
      (key) => key.keyid,
      () => undefined,
    );
    if (keyid === undefined || kept.includes(keyid)) continue;
    await rm(file);
    removed = true;
  }
  if (removed) await syncFolder(dir);
}

async function filesOf(dir: string, role: OnlineRole): Promise<readonly string[]> {
  try {
    const names = await readdir(dir);
    const own = new RegExp(`^${role}(-[0-9a-f]{16})?\\.pem$`);
    return names
      .filter((name) => own.test(name))
      .toSorted()
      .map((name) => join(dir, name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new PublishError("KEY", `${dir} cannot be read`, { cause: error });
  }
}

async function load(file: string, role: OnlineRole): Promise<Signer> {
  try {
    if (((await stat(file)).mode & 0o077) !== 0) throw new PublishError("KEY", "others may read it: chmod 600");
    return signerOf(createPrivateKey(await readBounded(file, maxKeyFile)));
  } catch (error) {
    throw new PublishError("KEY", `${file} cannot be used as the ${role} key`, { cause: error });
  }
}
