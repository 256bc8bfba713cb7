import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { compile } from "#policy/compile.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { TrustError } from "#trust/error.ts";
import { deviceTarget, deviceTargets, unpack } from "#trust/generation.ts";
import { parseTargets } from "#trust/metadata.ts";
import { fetchTarget, targetName } from "#trust/updater.ts";
import { verifyBytes, verifyThreshold } from "#trust/verify.ts";
import { FolderFetcher, readRepository, readRoles, type RepositoryAddress } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { onlineKeys } from "#publish/keys.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { bytesOf, exclusively, exists, publish, type Released, type Repository } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";

/** A signed targets file on its way to the repository, with the files it is about. It is its own authority: nothing else is asked. */
const proposalSchema = z.strictObject({
  format: z.literal("edict-proposal"),
  formatVersion: z.literal(1),
  targets: z.strictObject({
    signatures: z.array(z.strictObject({ keyid: z.string().max(128), sig: z.string().max(4096) })).max(64),
    signed: z.record(z.string(), z.unknown()),
  }),
  /** Path → the bytes as signed, in base64; files that the repository has already may be left out. */
  files: z.record(z.string().max(1024), z.string()),
});
export type Proposal = z.infer<typeof proposalSchema>;

/** Longest proposal a server takes, in bytes. */
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

export interface SignOptions extends RepositoryAddress {
  /** JSON, as it will be enforced. */
  readonly policy: Uint8Array;
  readonly catalog: Uint8Array;
  readonly key: Signer;
}

/**
 * The next targets file after the one in force, with this policy and catalog; everything else in it stays as it was.
 * @throws TrustError where the repository does not verify, SIGNATURE where this key may not sign
 */
export async function signPolicy({ policy, catalog, key, ...address }: SignOptions): Promise<Proposal> {
  const { set, targets, ...now } = await readRepository(address);
  if (!set.root.roles.targets.keyids.includes(key.keyid))
    throw new TrustError("SIGNATURE", `key ${key.keyid.slice(0, 16)}… may not sign policies in this repository`, {
      file: "targets",
    });
  const files: Record<string, string> = {};
  const changed: Record<string, unknown> = {};
  for (const [path, bytes, old] of [
    ["policy.json", policy, now.policy],
    ["catalog.json", catalog, now.catalog],
  ] as const) {
    if (old !== undefined && Buffer.compare(old, bytes) === 0) continue;
    const packed = gzipSync(bytes, { level: 9 });
    files[path] = packed.toString("base64");
    changed[path] = describeBytes(packed);
  }
  const before: unknown = targets.signed["targets"];
  const content = {
    ...targets.signed,
    ...header("targets", targets.version + 1, address.clock.now()),
    targets: { ...(typeof before === "object" ? before : {}), ...changed },
  };
  return { format: "edict-proposal", formatVersion: 1, targets: { ...(await signedBy(content, key)) }, files };
}

async function signedBy(content: Record<string, unknown>, key: Signer): Promise<Proposal["targets"]> {
  const { signatures, signed: what } = await signed(content, [key]);
  return { signatures: [...signatures], signed: what };
}

export interface PublishOptions extends Repository {
  readonly proposal: Proposal;
}

/**
 * Takes a proposal that enough have signed, adds snapshot and timestamp, and makes it visible.
 * @throws TrustError SIGNATURE, VERSION (another was published meanwhile), MISMATCH, LIMIT …; nothing has changed then
 */
export async function publishProposal({ dir, keysDir, proposal, clock }: PublishOptions): Promise<Released> {
  return exclusively(dir, async () => {
    const online = await onlineKeys(keysDir, "refuse");
    const { set, targets: current } = await readRoles({ repo: dir, clock });
    const bytes = fileOf(proposal.targets);
    const next = parseTargets(bytes);
    verifyThreshold(next, set.root.roles.targets, set.root.keys);
    if (next.version !== current.version + 1)
      throw new TrustError(
        "VERSION",
        `it would be version ${next.version} of the policy, and version ${current.version} is in force: sign again`,
        {
          file: "targets",
          seen: next.version,
          wanted: current.version + 1,
        },
      );

    const files = new Map<string, Uint8Array>();
    for (const target of next.targets.values()) {
      const name = targetName(set, target);
      const base64 = Object.hasOwn(proposal.files, target.path) ? proposal.files[target.path] : undefined;
      if (base64 === undefined) {
        if (!(await exists(join(dir, "targets", name))))
          throw new PublishError("PROPOSAL", `${target.path} is missing in it`);
        continue;
      }
      const file = Buffer.from(base64, "base64");
      verifyBytes(file, target, target.path);
      files.set(name, file);
    }
    const [policy, catalog] = await Promise.all(
      deviceTargets.map(async ({ path, bound }) => {
        const target = deviceTarget(next, path);
        const packed = files.get(targetName(set, target)) ?? (await fetchTarget(set, target, new FolderFetcher(dir)));
        return unpack(packed, path, bound);
      }),
    );
    if (policy !== undefined && catalog !== undefined) usable(policy, catalog);
    const before = bytesOf(set);
    return publish({
      dir,
      root: before.root,
      online,
      now: clock.now(),
      before,
      targets: { version: next.version, bytes },
      files,
    });
  });
}

/** What no device could enforce is not published, whoever signed it; a policy may be newer than this program. */
function usable(policy: Uint8Array, catalog: Uint8Array): void {
  try {
    compile(parsePolicy(policy, { newer: "tolerate" }), parseCatalog(catalog));
  } catch (error) {
    throw new PublishError("PROPOSAL", "no device could enforce it", { cause: error });
  }
}
