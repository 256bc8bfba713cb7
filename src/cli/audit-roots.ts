import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { printable } from "#cli/printable.ts";
import { systemCode } from "#lib/errors.ts";
import type { InstallRoot, Person, Platform } from "#platform/platform.ts";

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
  for (const person of withOwn(await platform.people(), io)) {
    const reason = await shut(person.home);
    if (reason === undefined) homes.push(person);
    else if (reason !== "gone") closed.push({ path: person.home, why: reason });
  }
  const wholes = outermost(
    homes.map((person) => {
      const without = platform.installRoots([person]).flatMap((root) => root.without ?? []);
      return { ...whole(person.home.replace(/(?<=.)\/+$/, ""), person.uid), without };
    }),
  );
  return { roots: [...platform.installRoots([]), ...wholes], homes, closed };
}

/** Nothing is found in what is not there: that must not look like a clean bill. @throws CommandError; not where we may not look */
async function mustBeFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => systemCode(error));
  if (found === "ENOENT" || found === "ENOTDIR")
    throw new CommandError(exitCodes.usage[0], `${printable(path)}: there is no such folder`);
  if (typeof found === "object" && !found.isDirectory())
    throw new CommandError(exitCodes.usage[0], `${printable(path)} is no folder; edict why says what a file is`);
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
    const code = systemCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "gone" : "not permitted";
  }
}

/** Without those that lie in another of them. */
function outermost(roots: readonly InstallRoot[]): readonly InstallRoot[] {
  const once = [...new Map(roots.map((root) => [root.path, root])).values()];
  return once.filter(({ path }) => !once.some((other) => path.startsWith(`${other.path}/`)));
}
