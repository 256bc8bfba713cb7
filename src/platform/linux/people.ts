import type { Person } from "#platform/platform.ts";
import { run } from "#platform/commands.ts";
import { readSmall } from "#platform/linux/read.ts";
import { readdirSync } from "node:fs";

/** People's uids start here (UID_MIN of login.defs(5)); 65534 is nobody. */
const firstPerson = 1000;
const nobody = 65_534;
const noLogin = new Set(["nologin", "false", "sync", "halt", "shutdown"]);

export interface Account extends Person {
  readonly shell: string;
}

/** passwd(5), and getent(1), which prints the same. Lines that are none are left out. */
export function parsePasswd(text: string): readonly Account[] {
  const found: Account[] = [];
  for (const line of text.split("\n")) {
    const [name, , uidText, gidText, , home, shell] = line.split(":");
    const [uid, gid] = [Number(uidText), Number(gidText)];
    if (name === undefined || name === "" || home === undefined || shell === undefined) continue;
    if (uidText === "" || !Number.isSafeInteger(uid) || uid < 0 || !Number.isSafeInteger(gid) || gid < 0) continue;
    found.push({ name, uid, gid, home, shell });
  }
  return found;
}

/** Root, people, and service accounts whose shell lets somebody in. */
export function isPerson(account: Account): boolean {
  const canLogIn = account.shell !== "" && !noLogin.has(account.shell.slice(account.shell.lastIndexOf("/") + 1));
  if (account.uid === 0) return true;
  if (account.uid === nobody || !account.home.startsWith("/")) return false;
  return account.uid >= firstPerson || canLogIn;
}

function accounts(): readonly Account[] {
  return parsePasswd(readSmall("/etc/passwd", 16 * 1024 * 1024)?.toString("utf8") ?? "");
}

/** Uids that are logged in: systemd keeps a folder for each (pam_systemd(8)). */
export function loggedIn(): readonly number[] {
  try {
    return readdirSync("/run/user").map(Number).filter(Number.isSafeInteger);
  } catch {
    return [];
  }
}

/** Everybody who can log in: the local accounts, and those of a directory service who are logged in now. */
export async function people(): Promise<readonly Person[]> {
  const local = accounts();
  const unknown = loggedIn().filter((uid) => !local.some((a) => a.uid === uid));
  const answers = unknown.map((uid) => run("/usr/bin/getent", ["passwd", String(uid)], { deadline: 3000 }));
  const remote = (await Promise.allSettled(answers)).flatMap((answer) =>
    answer.status === "fulfilled" && answer.value.code === 0 ? parsePasswd(answer.value.stdout.toString("utf8")) : [],
  );
  const once = new Map<number, Person>();
  for (const account of [...local, ...remote]) {
    const { name, uid, gid, home } = account;
    if (isPerson(account) && !once.has(uid)) once.set(uid, { name, uid, gid, home });
  }
  return [...once.values()];
}

/** Names uids. */
export interface UserNames {
  /** By /etc/passwd, and by what was found before. */
  now(uid: number): string | undefined;
  /** Asks the directory services, too. Never throws. */
  find(uid: number): Promise<string | undefined>;
}

/** Uids that a directory service was asked for; a person can have 65,536 (subuid(5)). */
const mostFound = 1_000;
/** Milliseconds that an answer holds, also that there is none. */
const foundFor = 60_000;

/** `ask`: what a directory service calls a uid. */
export function createUserNames(ask: (uid: number) => Promise<string | undefined> = askDirectory): UserNames {
  const local = localNames();
  const asked = new Map<number, { readonly at: number; readonly answer: Promise<string | undefined> }>();
  const found = new Map<number, string>();
  const askOnce = (uid: number): Promise<string | undefined> => {
    const before = asked.get(uid);
    if (before !== undefined && performance.now() - before.at < foundFor) return before.answer;
    if (asked.size >= mostFound) asked.clear();
    const answer = ask(uid).catch(() => undefined);
    asked.set(uid, { at: performance.now(), answer });
    return answer;
  };
  return {
    now: (uid) => local(uid) ?? found.get(uid),
    find: async (uid) => {
      const name = local(uid) ?? (await askOnce(uid));
      if (name === undefined) found.delete(uid);
      else if (found.size < mostFound) found.set(uid, name);
      return name;
    },
  };
}

/** Names by /etc/passwd, read again when it may have changed: at most once for an unknown uid a second. */
function localNames(): (uid: number) => string | undefined {
  let names: ReadonlyMap<number, string> = new Map();
  let readAt = -Infinity;
  return (uid) => {
    if (performance.now() - readAt > (names.has(uid) ? 60_000 : 1000)) {
      readAt = performance.now();
      // The first of a uid counts.
      names = new Map(
        accounts()
          .toReversed()
          .map((account) => [account.uid, account.name]),
      );
    }
    return names.get(uid);
  };
}

/** getent(1) asks whatever nsswitch.conf(5) names. */
async function askDirectory(uid: number): Promise<string | undefined> {
  const { code, stdout } = await run("/usr/bin/getent", ["passwd", String(uid)], { deadline: 3000 });
  return code === 0 ? parsePasswd(stdout.toString("utf8"))[0]?.name : undefined;
}
