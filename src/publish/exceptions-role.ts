import type { Instant } from "#lib/pure/instant.ts";
import { parseTargets, type TargetFile, type Targets } from "#trust/metadata.ts";
import { delegationOf, satisfies, type Authority } from "#publish/authority.ts";
import { targetsJson } from "#publish/content.ts";
import type { Roles } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import { fileOf, header, signed, type Versioned } from "#publish/metadata.ts";
import { exceptionsRole } from "#publish/names.ts";
import { onlineKeys } from "#publish/online-keys.ts";
import { versionOf } from "#publish/propose-policy.ts";
import { newestSigned, versionAfter } from "#publish/versions.ts";

interface Where {
  readonly dir: string;
  readonly keysDir: string;
  readonly now: Instant;
}

/**
 * The server's own part of a publication: the exceptions role, signed anew where its keys are others, or where clients forget
 * its versions. Undefined where it stays as it is, and where nobody delegated it.
 * @param top the targets that will be in force
 * @throws PublishError KEY
 */
export async function exceptionsAfter(
  top: Pick<Targets, "delegations">,
  current: Roles | undefined,
  forgets: boolean,
  where: Where,
): Promise<Versioned | undefined> {
  const authority = delegationOf(top, exceptionsRole);
  if (authority === undefined) return undefined;
  const before = current?.delegated.get(exceptionsRole);
  if (before !== undefined && !forgets && satisfies(before, authority)) return undefined;
  return signExceptions(
    await contentOf(before, authority, current, forgets, where.dir),
    authority,
    current,
    forgets,
    where,
  );
}

/** What it goes on saying: where the snapshot's word counts no longer, the newest that its own keys have signed. */
async function contentOf(
  before: Targets | undefined,
  authority: Authority,
  current: Roles | undefined,
  forgets: boolean,
  dir: string,
): Promise<Targets["targets"]> {
  const former = current && delegationOf(current.targets, exceptionsRole);
  for (const keys of forgets ? [authority, former] : []) {
    const newest = keys && (await newestSigned(dir, exceptionsRole, keys));
    if (newest !== undefined) return parseTargets(newest.bytes, exceptionsRole).targets;
  }
  return before?.targets ?? new Map();
}

/** The exceptions role one version on, with these files in it. @throws PublishError KEY where its key is not in `keysDir` */
export async function signExceptions(
  targets: ReadonlyMap<string, TargetFile>,
  { role }: Authority,
  current: Roles | undefined,
  forgets: boolean,
  { dir, keysDir, now }: Where,
): Promise<Versioned> {
  const keys = (await onlineKeys(keysDir, exceptionsRole)).filter(({ keyid }) => role.keyids.includes(keyid));
  if (keys.length < role.threshold)
    throw new PublishError("KEY", `${keysDir} has ${keys.length} of the ${role.threshold} keys that sign exceptions`);
  const known = current === undefined ? 0 : versionOf(exceptionsRole, current);
  const version = await versionAfter(known, exceptionsRole, dir, forgets);
  const content = { ...header(exceptionsRole, version, now), ...targetsJson({ targets, delegations: undefined }) };
  return { version, bytes: fileOf(await signed(content, keys)) };
}
