import { lstatSync } from "node:fs";
import type { GraphicalSession, Person } from "#platform/platform.ts";
import { pids, realUid, ifReadable } from "#platform/linux/identity.ts";
import { languageOf } from "#platform/linux/language.ts";
import { loggedIn } from "#platform/linux/people.ts";
import { parseEnviron } from "#platform/linux/proc.ts";
import { readSmall } from "#platform/linux/read.ts";

/** A session bus of systemd's (systemd.special(7)), without following any link: the folder is the user's to change. */
function hasBus(uid: number): boolean {
  try {
    const folder = lstatSync(`/run/user/${uid}`);
    const bus = lstatSync(`/run/user/${uid}/bus`);
    return folder.isDirectory() && folder.uid === uid && bus.isSocket() && bus.uid === uid;
  } catch {
    return false;
  }
}

/** What a browser needs to open on that desktop. Nothing that loads code: the values are the user's own. */
const displayVariables = [
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_CURRENT_DESKTOP",
  "XDG_SESSION_TYPE",
] as const;

function displayOf(environment: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const found = displayVariables.map((name) => [name, environment.get(name)] as const);
  return Object.fromEntries(
    found.filter((entry): entry is [(typeof displayVariables)[number], string] => entry[1] !== undefined),
  );
}

/** Environments of programs that draw: those of each uid in question, until one is found. */
function graphical(uids: ReadonlySet<number>): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const found = new Map<number, ReadonlyMap<string, string>>();
  for (const pid of pids()) {
    if (found.size === uids.size) break;
    const uid = ifReadable(() => realUid(pid));
    if (uid === undefined || !uids.has(uid) || found.has(uid)) continue;
    const bytes = ifReadable(() => readSmall(`/proc/${pid}/environ`, 256 * 1024));
    const environment = parseEnviron(bytes ?? Buffer.of());
    if (environment.has("DISPLAY") || environment.has("WAYLAND_DISPLAY")) found.set(uid, environment);
  }
  return found;
}

/** Who sits at a desktop: a session bus of their own, and a program that draws. */
export function sessions(people: readonly Person[]): readonly GraphicalSession[] {
  const uids = new Set(loggedIn().filter(hasBus));
  const environments = uids.size === 0 ? new Map<number, ReadonlyMap<string, string>>() : graphical(uids);
  return people.flatMap((person) => {
    const environment = environments.get(person.uid);
    if (environment === undefined) return [];
    const runtimeDir = `/run/user/${person.uid}`;
    const bus = `unix:path=${runtimeDir}/bus`;
    return [{ person, runtimeDir, bus, language: languageOf(environment), display: displayOf(environment) }];
  });
}
