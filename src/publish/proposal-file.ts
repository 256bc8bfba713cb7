import { z } from "zod";
import { canonicalJson } from "#trust/canonical.ts";
import { PublishError } from "#publish/error.ts";
import type { SignedFile } from "#publish/metadata.ts";
import { isOfflineRole } from "#publish/names.ts";
import type { Signer } from "#publish/signer.ts";

const maxSignatures = 64;

/**
 * What is to be in force, on its way from signer to signer: the next version of one or several roles, which become visible
 * together, and the files they are about. It is its own authority: whoever carries it is trusted with nothing.
 */
const proposalSchema = z.strictObject({
  format: z.literal("edict-proposal"),
  formatVersion: z.literal(1),
  roles: z
    .record(
      z.string().refine(isOfflineRole, { error: "root, targets or group-NAME" }),
      z.strictObject({
        signatures: z
          .array(z.strictObject({ keyid: z.string().max(128), sig: z.string().max(4096) }))
          .max(maxSignatures),
        signed: z.record(z.string(), z.unknown()),
      }),
    )
    .refine((roles) => Object.keys(roles).length > 0 && Object.keys(roles).length <= 64, { error: "1 to 64 roles" }),
  /** Path → the bytes as signed, in base64; files that the repository has already may be left out. */
  files: z.record(z.string().max(1024), z.string()),
});

export interface Proposal {
  readonly format: "edict-proposal";
  readonly formatVersion: 1;
  readonly roles: Readonly<Record<string, SignedFile>>;
  readonly files: Readonly<Record<string, string>>;
}

/** Longest proposal that is read, in bytes. */
export const maxProposal = 128 * 1024 * 1024;

/** @throws PublishError PROPOSAL */
export function parseProposal(bytes: Uint8Array): Proposal {
  try {
    if (bytes.length > maxProposal)
      throw new RangeError(`it has ${bytes.length} bytes, at most ${maxProposal} are taken`);
    return proposalSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw new PublishError("PROPOSAL", "this is not a proposal", { cause: error });
  }
}

/** Whether somebody meant these bytes to be a proposal. */
export function looksLikeProposal(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value === "object" && value !== null && "format" in value && value.format === "edict-proposal";
  } catch {
    return false;
  }
}

export function proposalOf(
  roles: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Proposal {
  return {
    format: "edict-proposal",
    formatVersion: 1,
    roles: Object.fromEntries(Object.entries(roles).map(([role, signed]) => [role, { signatures: [], signed }])),
    files: Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")])),
  };
}

export function proposalBytes(proposal: Proposal): Buffer {
  return Buffer.from(`${JSON.stringify(proposal)}\n`);
}

/** A file that travels in it, packed as signed. */
export function fileIn({ files }: Proposal, path: string): Buffer | undefined {
  const base64 = Object.hasOwn(files, path) ? files[path] : undefined;
  return base64 === undefined ? undefined : Buffer.from(base64, "base64");
}

export function roleIn({ roles }: Proposal, role: string): SignedFile | undefined {
  return Object.hasOwn(roles, role) ? roles[role] : undefined;
}

/** The same proposal with this key's signature on these of its roles, in the place of an earlier one. */
export async function addSignature(proposal: Proposal, roles: readonly string[], key: Signer): Promise<Proposal> {
  const entries = Object.entries(proposal.roles).map(async ([role, file]) => {
    if (!roles.includes(role)) return [role, file] as const;
    const others = file.signatures.filter(({ keyid }) => keyid !== key.keyid);
    const signature = { keyid: key.keyid, sig: await key.sign(canonicalJson(file.signed)) };
    return [role, { ...file, signatures: [...others, signature] }] as const;
  });
  return { ...proposal, roles: Object.fromEntries(await Promise.all(entries)) };
}

/**
 * Copies that were signed in different places, as one, with all their signatures; `examine` keeps those that are good.
 * @throws PublishError PROPOSAL where they do not say the same
 */
export function mergeProposals(first: Proposal, ...copies: readonly Proposal[]): Proposal {
  if (copies.some((copy) => contentOf(copy) !== contentOf(first)))
    throw new PublishError("PROPOSAL", "these are not copies of one proposal: they say different things");
  const roles = Object.entries(first.roles).map(([role, file]) => {
    const all = [first, ...copies].flatMap((copy) => roleIn(copy, role)?.signatures ?? []);
    const distinct = new Map(all.map((signature) => [`${signature.keyid} ${signature.sig}`, signature]));
    return [role, { ...file, signatures: [...distinct.values()] }] as const;
  });
  return { ...first, roles: Object.fromEntries(roles) };
}

/** All of it but the signatures. */
function contentOf({ roles, files }: Proposal): string {
  const signed = Object.entries(roles).map(([role, file]) => [role, file.signed]);
  return canonicalJson([Object.fromEntries(signed), files]).toString();
}
