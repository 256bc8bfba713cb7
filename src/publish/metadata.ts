import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { canonicalJson } from "#trust/canonical.ts";
import { sha256 } from "#trust/sha256.ts";
import type { Signer } from "#publish/signer.ts";

// Metadata as it is written: TUF 1.0 section 4. Read back by `trust/metadata.ts`.

const dayMs = 86_400_000;
/** How long each role is good for (docs/decisions: the table of roles); a department's is as good as targets. */
export const lifetimeMs = {
  root: 365 * dayMs,
  targets: 180 * dayMs,
  exceptions: 30 * dayMs,
  snapshot: 14 * dayMs,
  timestamp: 3 * dayMs,
} as const;

export function lifetimeOf(role: string): number {
  return Object.entries(lifetimeMs).find(([name]) => name === role)?.[1] ?? lifetimeMs.targets;
}

export interface SignedFile {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  readonly signed: Readonly<Record<string, unknown>>;
}

/** What every role begins with; it is written at `now`, to the second. */
export function header(role: string, version: number, now: Instant): Record<string, unknown> {
  const issued = Math.floor(now / 1000) * 1000;
  return {
    _type: ["root", "snapshot", "timestamp"].includes(role) ? role : "targets",
    spec_version: "1.0.31",
    version,
    expires: formatInstant(instantOf(issued + lifetimeOf(role))),
    ...(role === "timestamp" && { x_issued: formatInstant(instantOf(issued)) }),
  };
}

/** A role's file, and the version that it says it is. */
export interface Versioned {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export async function signed(
  content: Readonly<Record<string, unknown>>,
  signers: readonly Signer[],
): Promise<SignedFile> {
  const bytes = canonicalJson(content);
  const signatures = await Promise.all(signers.map(async (s) => ({ keyid: s.keyid, sig: await s.sign(bytes) })));
  return { signatures, signed: content };
}

/** The file; indented, because people read these too. */
export function fileOf(metadata: SignedFile): Buffer {
  return Buffer.from(`${JSON.stringify(metadata, null, 1)}\n`);
}

/** What one file says about another: length and sha256. */
export function describeBytes(bytes: Uint8Array): { length: number; hashes: { sha256: string } } {
  return { length: bytes.length, hashes: { sha256: sha256(bytes) } };
}
