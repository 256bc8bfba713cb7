import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { PublishError } from "#publish/error.ts";
import { keyidOf, publicPartOf, type Signer } from "#publish/signer.ts";

/**
 * A key that lies elsewhere (a token, a smart card, a key service), and the program that has it sign: the bytes to be signed go
 * to its standard input, the signature comes from its standard output, raw for ed25519 and DER for ECDSA (RFC 8032
 * section 5.1.6, RFC 3279 section 2.2.3), as OpenSSL writes them. No shell: a path and fixed arguments.
 */
const keyDescriptionSchema = z.strictObject({
  format: z.literal("edict-key"),
  formatVersion: z.literal(1),
  /** PEM, SubjectPublicKeyInfo. */
  publicKey: z.string().max(4096).startsWith("-----BEGIN PUBLIC KEY-----"),
  command: z
    .array(z.string().max(4096))
    .min(1)
    .max(64)
    .refine(([file = ""]) => isAbsolute(file), { error: "the program's absolute path comes first" }),
});
type KeyDescription = z.infer<typeof keyDescriptionSchema>;

/** Starts a program with these bytes on its standard input: given by whoever may start programs. */
export type RunProgram = (
  file: string,
  args: readonly string[],
  input: Uint8Array,
) => Promise<{ readonly code: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }>;

/** @throws PublishError KEY */
export function parseKeyDescription(text: string): KeyDescription {
  try {
    return keyDescriptionSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : "it is not JSON";
    throw new PublishError("KEY", `it does not describe a key: ${why}`);
  }
}

/** @throws PublishError KEY where the public part is none */
export function commandSigner({ publicKey, command }: KeyDescription, run: RunProgram): Signer {
  const verifier = publicKeyOf(publicKey);
  const { key, digest } = publicPartOf(verifier);
  const [file = "", ...args] = command;
  return {
    keyid: keyidOf(key),
    key,
    sign: async (bytes) => {
      const { code, stdout, stderr } = await run(file, args, bytes);
      if (code !== 0)
        throw new PublishError("KEY", `${file} ended with code ${code}: ${Buffer.from(stderr).toString().trim()}`);
      if (stdout.length > 4096 || !fits(() => verify(digest, bytes, verifier, stdout)))
        throw new PublishError("KEY", `${file} gave ${stdout.length} bytes that are no signature of this key`);
      return Buffer.from(stdout).toString("hex");
    },
  };
}

function publicKeyOf(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new PublishError("KEY", "its publicKey is not PEM", { cause: error });
  }
}

/** OpenSSL throws at what is no signature at all. */
function fits(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
