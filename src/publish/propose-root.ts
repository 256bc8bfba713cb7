import type { Clock } from "#lib/clock.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { PublicKey, Role } from "#trust/metadata.ts";
import { publicKeyOf, rootJson, targetsJson } from "#publish/content.ts";
import { PublishError } from "#publish/error.ts";
import { identityOf } from "#publish/keys.ts";
import { header } from "#publish/metadata.ts";
import { onlineKeyFor } from "#publish/online-keys.ts";
import { proposalOf, type Proposal } from "#publish/proposal-file.ts";
import { keyidOf, type PublicKeyJson } from "#publish/signer.ts";

/** Whose keys a new repository begins with. */
export interface FirstKeys {
  readonly rootKeys: readonly PublicKeyJson[];
  readonly targetsKeys: readonly PublicKeyJson[];
  /** How many of them have to sign. */
  readonly threshold: number;
  /** The same for targets, where it is another number. */
  readonly targetsThreshold?: number | undefined;
}

/**
 * The ceremony's beginning: a first root and first targets that nobody has signed yet. The server's own two keys are made in
 * `keysDir`, for the root names them.
 * @throws PublishError KEY
 */
export async function proposeRepository(
  options: FirstKeys & { readonly keysDir: string; readonly clock: Clock },
): Promise<Proposal> {
  requireThreshold(options);
  const now = options.clock.now();
  return proposalOf({ root: await firstRootJson({ ...options, now }), targets: firstTargetsJson(now) });
}

/** @throws PublishError KEY where too few distinct keys are there to meet it */
export function requireThreshold({ rootKeys, targetsKeys, threshold, targetsThreshold = threshold }: FirstKeys): void {
  for (const [keys, wanted] of [[rootKeys, threshold] as const, [targetsKeys, targetsThreshold] as const]) {
    if (new Set(keys.map(identityOf)).size < keys.length)
      throw new PublishError("KEY", "one key is there twice: it would count once");
    if (wanted < 1 || wanted > keys.length)
      throw new PublishError("KEY", `${wanted} signatures are asked for, and there are fewer keys`);
  }
}

export async function firstRootJson(
  options: FirstKeys & { readonly keysDir: string; readonly now: Instant },
): Promise<Record<string, unknown>> {
  const { rootKeys, targetsKeys, threshold, targetsThreshold = threshold, keysDir, now } = options;
  const [snapshot, timestamp] = [await onlineKeyFor(keysDir, "snapshot"), await onlineKeyFor(keysDir, "timestamp")];
  const all = [...rootKeys, ...targetsKeys, snapshot.key, timestamp.key];
  return {
    ...header("root", 1, now),
    ...rootJson({
      consistentSnapshot: true,
      keys: new Map(all.map((key): [string, PublicKey] => [keyidOf(key), publicKeyOf(key)])),
      roles: {
        root: role(rootKeys, threshold),
        targets: role(targetsKeys, targetsThreshold),
        snapshot: role([snapshot.key], 1),
        timestamp: role([timestamp.key], 1),
      },
    }),
  };
}

function role(keys: readonly PublicKeyJson[], threshold: number): Role {
  return { keyids: keys.map(keyidOf), threshold };
}

export function firstTargetsJson(now: Instant): Record<string, unknown> {
  return { ...header("targets", 1, now), ...targetsJson({ targets: new Map(), delegations: undefined }) };
}
