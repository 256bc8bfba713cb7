import { createHash } from "node:crypto";
import { SignJWT } from "jose";
import type { Instant } from "#lib/pure/instant.ts";
import { proofLifetime, proofType } from "#protocol/proof.ts";
import type { DeviceIdentity } from "#report/identity.ts";

/** One request, as it is signed. `path` is what follows the server's address, with its query. */
export interface Signed {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Uint8Array;
}

/** The proof that this device makes this request now: see `protocol/proof.ts`. `jti` is a UUIDv7 used for nothing else. */
export function sign(request: Signed, identity: DeviceIdentity, jti: string, now: Instant): Promise<string> {
  const iat = Math.floor(now / 1000);
  return new SignJWT({
    htm: request.method,
    htu: request.path,
    body: createHash("sha256").update(request.body).digest("base64url"),
  })
    .setProtectedHeader({ alg: "EdDSA", typ: proofType })
    .setIssuer(identity.id)
    .setIssuedAt(iat)
    .setExpirationTime(iat + proofLifetime)
    .setJti(jti)
    .sign(identity.key);
}
