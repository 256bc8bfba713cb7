import { z } from "zod";
import { deviceIdSchema } from "#protocol/enrolment.ts";

/**
 * How a device signs each request: our profile of what RFC 9449 (DPoP) does, with the device's enrolled key, so that a stolen
 * token, a log file or a proxy in between has nothing it could use again. The header `Edict-Proof` carries a JWS in compact
 * form (RFC 7515) with `alg` EdDSA (RFC 8037), `typ` edict-proof+jwt and these claims, for one method, one path and one body.
 */
export const proofHeader = "edict-proof";
export const proofType = "edict-proof+jwt";

/** Seconds between `iat` and `exp` at most, and how far apart the two clocks may be. */
export const proofLifetime = 60;
export const proofSkew = 30;

export const proofClaimsSchema = z.strictObject({
  /** Who signs. */
  iss: deviceIdSchema,
  /** Seconds since the epoch (RFC 7519, NumericDate). */
  iat: z.number().int(),
  exp: z.number().int(),
  /** Each proof is taken once. */
  jti: z.uuidv7(),
  /** The method. */
  htm: z.enum(["GET", "POST"]),
  /** The path with its query, and no host: the server may stand behind another name. */
  htu: z.string().startsWith("/").max(2048),
  /** base64url SHA-256 of the body's bytes. */
  body: z.string().length(43),
});
export type ProofClaims = z.infer<typeof proofClaimsSchema>;

/** The largest proof that is looked at, in characters. */
export const proofMax = 4096;

/** Every refusal of the server: `code` is for programs, `message` for people. */
export const refusalSchema = z.object({
  error: z.object({
    code: z.string().max(64),
    message: z.string().max(1024),
    /** ISO 8601. The server's time where the code is "clock": a device whose clock is wrong can still report. */
    now: z.string().max(64).optional(),
  }),
});
export type Refusal = z.infer<typeof refusalSchema>;
