import { gzipSync } from "node:zlib";
import { formatInstant, instantOf, parseDuration, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Ban } from "#policy/ban.ts";
import { parseGrants, type Grant } from "#policy/granted.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { longest } from "#policy/merge-grants.ts";
import { parsePolicy } from "#policy/parse.ts";
import { unpack } from "#trust/generation.ts";
import { limits } from "#trust/limits.ts";
import type { TargetFile } from "#trust/metadata.ts";
import { exceptionsPath, partOf } from "#trust/parts.ts";
import { sha256 } from "#trust/sha256.ts";
import { fetchTarget, targetName } from "#trust/updater.ts";
import { delegationOf } from "#publish/authority.ts";
import { FolderFetcher, readRepository, type Current } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { signExceptions } from "#publish/exceptions-role.ts";
import { changing } from "#publish/journal.ts";
import { exceptionsRole } from "#publish/names.ts";
import { targetOf } from "#publish/propose-policy.ts";
import { publish, type Released } from "#publish/release.ts";
import { bytesOf, type Repository } from "#publish/repository.ts";

export interface ExceptionsOptions extends Repository {
  /** Verifies everything and writes nothing. */
  readonly dryRun?: boolean;
}

export interface GrantOptions extends ExceptionsOptions {
  readonly ban: string;
  /** The device's id, as the console and `edict status` show it. */
  readonly device: string;
  readonly until: Instant;
}

/**
 * Lets one device use what a ban forbids until an instant: no longer than the ban allows, counted from the first grant. Devices
 * hold it to the same rules; here it is refused before anybody relies on it.
 * @throws PublishError PROPOSAL; TrustError
 */
export async function grantException(
  options: GrantOptions,
): Promise<{ readonly released: Released; readonly grant: Grant }> {
  const { ban, device: id, until, clock } = options;
  const device = sha256(id);
  const shard = device.slice(0, 2);
  return changeShards(options, async (current, read) => {
    const now = instantOf(Math.floor(clock.now() / 1000) * 1000);
    const grants = await read(shard);
    const known = grants.find((one) => one.ban === ban && one.device === device);
    const grant = { ban, device, granted: known?.granted ?? formatInstant(now), until: formatInstant(until) };
    requireAllowed(grant, banOf(ban, current), now);
    const shards = new Map([[shard, [...grants.filter((one) => one !== known), grant]]]);
    return { shards, result: { grant } };
  });
}

export interface WithdrawOptions extends ExceptionsOptions {
  /** Of every ban where it is not given. */
  readonly ban?: string | undefined;
  /** The device's id; of every device where it is not given. */
  readonly device?: string | undefined;
}

/**
 * Takes exceptions back. Nothing is left of them, so that a grant after it begins anew: two acts, and no silent renewal.
 * @throws PublishError PROPOSAL where there is none such; TrustError
 */
export async function withdrawExceptions(
  options: WithdrawOptions,
): Promise<{ readonly released: Released; readonly withdrawn: number }> {
  const { ban, device: id } = options;
  const device = id === undefined ? undefined : sha256(id);
  return changeShards(options, async (current, read) => {
    const shards = new Map<string, readonly Grant[]>();
    let withdrawn = 0;
    for (const shard of device === undefined ? shardsOf(current) : [device.slice(0, 2)]) {
      const grants = await read(shard);
      const kept = grants.filter((one) => (ban ?? one.ban) !== one.ban || (device ?? one.device) !== one.device);
      withdrawn += grants.length - kept.length;
      if (kept.length < grants.length) shards.set(shard, kept);
    }
    if (withdrawn === 0) throw new PublishError("PROPOSAL", "there is no such exception");
    return { shards, result: { withdrawn } };
  });
}

/** What a shard of the repository in force holds. */
type ReadShard = (shard: string) => Promise<readonly Grant[]>;

async function changeShards<T extends object>(
  { dir, keysDir, clock, dryRun = false }: ExceptionsOptions,
  change: (
    current: Current,
    read: ReadShard,
  ) => Promise<{ readonly shards: ReadonlyMap<string, readonly Grant[]>; readonly result: T }>,
): Promise<T & { readonly released: Released }> {
  const work = async (): Promise<T & { readonly released: Released }> => {
    const current = await readRepository({ repo: dir, clock });
    const authority = delegationOf(current.targets, exceptionsRole);
    if (authority === undefined)
      throw new PublishError("PROPOSAL", "nobody lets the server grant exceptions: edict trust delegate exceptions");
    const now = clock.now();
    const before = current.delegated.get(exceptionsRole)?.targets ?? new Map<string, TargetFile>();
    const { shards, result } = await change(current, async (shard) =>
      remembered(await readShard(before.get(exceptionsPath(shard)), current, dir), now),
    );
    const targets = new Map(before);
    const files = new Map<string, Uint8Array>();
    for (const [shard, grants] of shards) {
      const path = exceptionsPath(shard);
      targets.delete(path);
      if (grants.length === 0) continue;
      const packed = gzipSync(shardBytes(grants), { level: 9 });
      const target = targetOf(path, packed);
      targets.set(path, target);
      files.set(targetName(current.set, target), packed);
    }
    const exceptions = await signExceptions(targets, authority, current, false, { dir, keysDir, now });
    const seen = bytesOf(current.set);
    const released = await publish({
      dir,
      keysDir,
      now,
      before: seen,
      root: seen.root,
      targets: { version: current.targets.version, bytes: seen.targets },
      delegated: new Map([[exceptionsRole, exceptions]]),
      files,
      dryRun,
    });
    return { ...result, released };
  };
  return changing(dir, dryRun, work);
}

function shardsOf({ delegated }: Current): readonly string[] {
  const paths = [...(delegated.get(exceptionsRole)?.targets.keys() ?? [])];
  return paths.flatMap((path) => (partOf(path)?.kind === "exceptions" ? [partOf(path)?.name ?? ""] : []));
}

async function readShard(target: TargetFile | undefined, { set }: Current, dir: string): Promise<readonly Grant[]> {
  if (target === undefined) return [];
  const packed = await fetchTarget(set, target, new FolderFetcher(dir));
  return parseGrants(await unpack(packed, target.path, limits.exceptions), { newer: "refuse" }).exceptions;
}

/** So long after its end nobody remembers that there was an exception: the next one is a first one. */
const rememberedMs = 365 * 86_400_000;

function remembered(grants: readonly Grant[], now: Instant): readonly Grant[] {
  return grants.filter(({ until }) => now - parseInstant(until) < rememberedMs);
}

/** @throws PublishError PROPOSAL past the bound that devices read */
function shardBytes(grants: readonly Grant[]): Buffer {
  const bytes = Buffer.from(`${JSON.stringify({ formatVersion: 1, exceptions: grants })}\n`);
  if (bytes.length > limits.exceptions)
    throw new PublishError(
      "PROPOSAL",
      `there would be ${grants.length} exceptions in this part: no device would read it`,
    );
  return bytes;
}

/** A ban of everybody's policy, or of a department's. @throws PublishError PROPOSAL where there is none of that id */
function banOf(id: string, { policy, groups }: Current): Ban {
  const tolerant = { newer: "tolerate" } as const;
  const base = policy === undefined ? [] : parsePolicy(policy, tolerant).bans;
  const [name = ""] = id.split("/");
  const own = groups.get(name);
  const bans = own === undefined ? base : [...base, ...parseGroupPolicy(own, name, tolerant).bans];
  const found = bans.find((ban) => ban.id === id);
  if (found === undefined) throw new PublishError("PROPOSAL", `no policy in force has a ban ${id}`);
  return found;
}

/** @throws PublishError PROPOSAL */
function requireAllowed({ granted, until }: Grant, { id, exceptions }: Ban, now: Instant): void {
  if (exceptions === "never") throw new PublishError("PROPOSAL", `the policy allows no exception from ${id}`);
  if (parseInstant(until) <= now) throw new PublishError("PROPOSAL", `${until} is over already`);
  const max = exceptions?.max ?? longest;
  const end = instantOf(parseInstant(granted) + Math.floor(parseDuration(max)));
  if (parseInstant(until) > end)
    throw new PublishError(
      "PROPOSAL",
      `an exception from ${id} lasts ${max} at most, counted from the first grant on ${granted}: until ${formatInstant(end)}. ` +
        "A new one begins when this one was revoked.",
    );
}
