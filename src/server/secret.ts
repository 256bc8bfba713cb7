import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readBounded, syncFolder, writeNew } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { dirname } from "node:path";
import { ServerError } from "#server/server-error.ts";

/** Equal, in a time that says nothing about where they differ, also where their lengths do. */
export function sameSecret(given: string, right: string): boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}

/** The token of `Authorization: Bearer …` (RFC 6750, 2.1), or "". */
export function bearer(header: string | undefined): string {
  const [scheme, token, ...more] = (header ?? "").split(" ");
  return scheme?.toLowerCase() === "bearer" && token !== undefined && more.length === 0 ? token : "";
}

/** A secret of 256 bits in an owner-only file, made at the first start. @throws ServerError `DATA` */
export async function secretFile(file: string): Promise<string> {
  try {
    try {
      await writeNew(file, Buffer.from(`${randomBytes(32).toString("base64url")}\n`));
      await syncFolder(dirname(file));
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
    }
    const secret = (await readBounded(file, 4096)).toString("utf8").trim();
    if (secret.length < 16) throw new Error("fewer than 16 characters: remove it, and a new one is made");
    return secret;
  } catch (error) {
    throw new ServerError("DATA", `${file}: ${describe(error)}`, { cause: error });
  }
}
