import { constants } from "node:fs";
import { access, lstat, readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { printable } from "#cli/printable.ts";
import { systemCode } from "#lib/errors.ts";
import { elsewhere, type InstallRoot, type Person, type Platform } from "#platform/platform.ts";

/** Where an audit looks, whose config folders it looks for, and what it may not enter. */
export interface AuditRoots {
  readonly roots: readonly InstallRoot[];
  readonly homes: readonly Person[];
  readonly closed: readonly { readonly path: string; readonly why: string }[];
}

/** How deep an audit goes: deeper than anybody nests, so that only a loop of mounts comes to it. */
const deepest = 64;

/**
 * The folders that somebody named; without any, what is shared by all, and the whole home of everybody whose home may be entered.
 * @throws CommandError where a named one is none
 */
export async function auditRoots(platform: Platform, named: readonly string[], io: Io): Promise<AuditRoots> {
  if (named.length > 0) {
    const paths = named.map((at) => resolve(io.cwd, at));
    await Promise.all(paths.map(mustBeFolder));
    return { roots: paths.map((path) => whole(path, 0)), homes: [], closed: [] };
  }
  const homes: Person[] = [];
  const closed: { path: string; why: string }[] = [];
  const listed = withOwn(await platform.people(), io);
  const others = await Promise.all(homeFolders.map((folder) => unlisted(folder, listed, platform)));
  closed.push(...others.flatMap((other) => other.closed));
  for (const person of [...listed, ...others.flatMap((other) => other.people)]) {
    const reason = await shut(person.home);
    if (reason === undefined) homes.push(person);
    else if (reason !== "gone") closed.push({ path: person.home, why: reason });
  }
  const wholes = outermost(
    homes.map((person) => ({
      ...whole(person.home.replace(/(?<=.)\/+$/, ""), person.uid),
      without: remoteIn(person, platform),
    })),
  );
  return { roots: [...platform.installRoots([]), ...engineFolders, ...wholes], homes, closed };
}

/** Where engines keep images and containers: only so far that these are named. */
const engineFolders = ["/var/lib/docker", "/var/lib/containerd", "/var/lib/containers/storage"].map(
  (path) => ({ path, owner: 0, holds: "units", depth: 1 }) as const,
);

/** Where homes lie that no list has: a directory service lists nobody who is not logged in (sssd.conf(5), "enumerate"). */
const homeFolders = ["/home", "/var/home"];

/** The folders in one of these that are nobody's who is known, as homes of who owns them. */
export async function unlisted(
  folder: string,
  known: readonly Person[],
  platform: Pick<Platform, "installRoots">,
): Promise<{ readonly people: readonly Person[]; readonly closed: AuditRoots["closed"] }> {
  const remote = remoteIn({ name: "", uid: 0, gid: 0, home: folder }, platform);
  if (remote.includes(folder)) return { people: [], closed: [{ path: folder, why: elsewhere }] };
  const taken = new Set([...known.map(({ home }) => home.replace(/\/+$/, "")), ...remote, `${folder}/lost+found`]);
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const homes = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${folder}/${name}`);
    const people = homes
      .filter((home) => !taken.has(home))
      .map(async (home) => {
        const owner = await lstat(home).catch(() => undefined); // gone by now
        return owner && { name: String(owner.uid), uid: owner.uid, gid: owner.gid, home };
      });
    const found = (await Promise.all(people)).filter((one) => one !== undefined);
    return { people: found, closed: remote.map((path) => ({ path, why: elsewhere })) };
  } catch (error) {
    return { people: [], closed: isGone(systemCode(error)) ? [] : [{ path: folder, why: "not permitted" }] };
  }
}

function remoteIn(person: Person, platform: Pick<Platform, "installRoots">): readonly string[] {
  return [...new Set(platform.installRoots([person]).flatMap(({ without }) => without ?? []))];
}

/** Nothing is found in what is not there: that must not look like a clean bill. @throws CommandError; not where we may not look */
async function mustBeFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => systemCode(error));
  if (typeof found === "string" && isGone(found))
    throw new CommandError(exitCodes.usage[0], `${printable(path)}: there is no such folder`);
  if (typeof found === "object" && !found.isDirectory())
    throw new CommandError(exitCodes.usage[0], `${printable(path)} is no folder; edict why says what a file is`);
}

function isGone(code: string | undefined): boolean {
  return code === "ENOENT" || code === "ENOTDIR";
}

function whole(path: string, owner: number): InstallRoot {
  return { path, owner, holds: "apps", depth: deepest };
}

/** Everybody, and whoever asks: a directory service may know them, and HOME may lead somewhere else. The root directory is nobody's home. */
function withOwn(people: readonly Person[], { env }: Io): readonly Person[] {
  const uid = process.getuid?.() ?? 0;
  const home = env["HOME"] ?? "";
  const known = people.filter((person) => person.home.startsWith("/") && person.home !== "/");
  if (!home.startsWith("/") || home === "/" || known.some((person) => person.home === home)) return known;
  const name = people.find((person) => person.uid === uid)?.name ?? env["USER"] ?? String(uid);
  return [...known, { name, uid, gid: process.getgid?.() ?? 0, home }];
}

/** Why a home cannot be looked through; "gone" where it is not there, undefined where it can. */
async function shut(home: string): Promise<string | undefined> {
  try {
    await access(home, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return isGone(systemCode(error)) ? "gone" : "not permitted";
  }
}

/** Without those that lie in another of them. */
function outermost(roots: readonly InstallRoot[]): readonly InstallRoot[] {
  const once = [...new Map(roots.map((root) => [root.path, root])).values()];
  return once.filter(({ path }) => !once.some((other) => path.startsWith(`${other.path}/`)));
}
