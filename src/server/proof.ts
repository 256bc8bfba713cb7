import { compactVerify, decodeJwt } from "jose";
import { createHash, createPublicKey } from "node:crypto";
import type { Clock } from "#lib/clock.ts";
import { deviceIdSchema, ed25519SpkiPrefix, type DeviceId } from "#protocol/enrolment.ts";
import { proofClaimsSchema, proofLifetime, proofMax, proofSkew, proofType, type ProofClaims } from "#protocol/proof.ts";
import { Refusal } from "#server/refusal.ts";

/** The request that a proof must be of. */
export interface Proven {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: Uint8Array;
}

const no = (message: string): Refusal => new Refusal(401, "bad-proof", message);

/** Who says that they signed; nothing is believed yet. @throws Refusal 401 */
export function claimedSigner(proof: string | undefined): DeviceId {
  if (proof === undefined) throw no("the request is not signed by a device");
  if (proof.length > proofMax) throw no("the proof is too long");
  try {
    return deviceIdSchema.parse(decodeJwt(proof).iss);
  } catch {
    throw no("the proof cannot be read");
  }
}

/** SubjectPublicKeyInfo of a raw Ed25519 key (RFC 8410, 4). */
function spkiOf(publicKey: string): Buffer {
  return Buffer.concat([Buffer.from(ed25519SpkiPrefix), Buffer.from(publicKey, "base64url")]);
}

export function deviceIdOf(publicKey: string): DeviceId {
  return deviceIdSchema.parse(createHash("sha256").update(spkiOf(publicKey)).digest("hex"));
}

/**
 * Holds a proof against the key and the request, as `protocol/proof.ts` says, in this order: signature, request, time, once.
 * @throws Refusal 401
 */
export async function verifyProof(
  proof: string,
  publicKey: string,
  request: Proven,
  { clock, replays }: { readonly clock: Clock; readonly replays: Replays },
): Promise<ProofClaims> {
  const claims = await signedClaims(proof, publicKey);
  if (claims.iss !== deviceIdOf(publicKey)) throw no("the proof names another device");
  if (claims.htm !== request.method || claims.htu !== request.path) throw no("the proof is of another request");
  if (claims.body !== createHash("sha256").update(request.body).digest("base64url"))
    throw no("the proof is of another body");
  const now = clock.now();
  const seconds = now / 1000;
  if (claims.exp - claims.iat > proofLifetime || claims.exp <= claims.iat) throw no("the proof is valid for too long");
  if (claims.iat > seconds + proofSkew || claims.exp < seconds - proofSkew)
    throw new Refusal(401, "clock", "the proof is of another time", { now });
  replays.take(claims, seconds);
  return claims;
}

async function signedClaims(proof: string, publicKey: string): Promise<ProofClaims> {
  try {
    const key = createPublicKey({ key: spkiOf(publicKey), format: "der", type: "spki" });
    const { payload, protectedHeader } = await compactVerify(proof, key, { algorithms: ["EdDSA"] });
    if (protectedHeader.typ !== proofType) throw new Error("another kind of token");
    return proofClaimsSchema.parse(JSON.parse(Buffer.from(payload).toString("utf8")));
  } catch {
    throw no("the proof does not verify");
  }
}

/** Proofs of one device that are remembered: more than its rate allows in the time that one lives. */
const perDevice = 4_000;

/**
 * Every proof counts once. Remembered in this process: several servers over one database share no memory, and there the
 * store's "once per (device, uid)" is what makes a repetition harmless.
 */
export class Replays {
  readonly #seen = new Map<DeviceId, Map<string, number>>();

  /** @throws Refusal 401 for one that was seen, 429 when too many are remembered */
  take({ iss, jti, exp }: ProofClaims, seconds: number): void {
    const seen = this.#seen.get(iss) ?? new Map<string, number>();
    this.#seen.set(iss, seen);
    for (const [old, end] of seen) {
      if (end >= seconds) break; // they were put in nearly in order of time
      seen.delete(old);
    }
    if (seen.has(jti)) throw no("the proof was used before");
    if (seen.size >= perDevice) throw new Refusal(429, "too-many", "too many requests", { retryAfter: 60 });
    seen.set(jti, exp + proofSkew);
  }

  /** Forgets devices that have been quiet. */
  sweep(seconds: number): void {
    for (const [device, seen] of this.#seen)
      if ([...seen.values()].every((end) => end < seconds)) this.#seen.delete(device);
  }
}
