import { z } from "zod";

/**
 * A device's name for itself: lower-case hexadecimal SHA-256 of its public key's SubjectPublicKeyInfo (DER, RFC 8410),
 * so that nobody hands names out and nobody can take another's without its key.
 */
export const deviceIdSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<"DeviceId">();
export type DeviceId = z.infer<typeof deviceIdSchema>;

/** What every Ed25519 SubjectPublicKeyInfo begins with (RFC 8410, 4); the 32 bytes of the key follow. */
export const ed25519SpkiPrefix: readonly number[] = [
  0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

export const osSchema = z.enum(["linux", "macos", "windows"]);

/** A short text from a device, shown to people: no control characters. */
const label = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}]*$/u);

/**
 * POST /api/v1/enrol, with `Authorization: Bearer <enrolment secret>` and a proof (see `protocol/proof.ts`) made by the
 * very key that is enrolled. Enrolling the same key again changes what is said about it and nothing else.
 */
export const enrolRequestSchema = z.strictObject({
  /** The 32 bytes of an Ed25519 public key (RFC 8032), base64url without padding. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  hostname: label(255).optional(),
  os: osSchema,
  agentVersion: label(64),
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

export const enrolAnswerSchema = z.object({
  device: deviceIdSchema,
  /** False when this key was enrolled before. */
  created: z.boolean(),
});
export type EnrolAnswer = z.infer<typeof enrolAnswerSchema>;
