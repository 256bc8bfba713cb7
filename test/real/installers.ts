import { execFileSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, type TestContext } from "vitest";
import { z } from "zod";
import { systemClock } from "#lib/clock.ts";
import { installRoots } from "#platform/linux/install-roots.ts";
import { edictAt } from "../cli/edict.ts";
import { install } from "../disguises/install.ts";
import { lookAt } from "../observe/layout.ts";
import { decision } from "./look.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "edict-installers-")));
chmodSync(base, 0o711); // some installers do not run as root
afterAll(() => {
  // Nix's store is read-only.
  execFileSync("chmod", ["--recursive", "u+w", base]);
  rmSync(base, { recursive: true, force: true });
});

/** A home of its own, removed afterwards. */
export function homeOf(name: string): string {
  const home = join(base, name);
  mkdirSync(home, { recursive: true });
  return home;
}

/** Skips where Debian's packages or the programs that they bring cannot be had, and says so. */
export function needs(context: TestContext, packages: readonly string[], programs: readonly string[]): void {
  if (process.getuid?.() === 0) install(packages);
  const lacking = programs.filter((program) => !isRunnable(program));
  if (lacking.length === 0) return;
  const reason = `not to be had: ${lacking.join(", ")} (Debian's ${packages.join(", ")})`;
  console.warn(`skipped: ${context.task.name}: ${reason}`);
  context.skip(reason);
}

/** Packages of npm's registry as they are published, without their scripts; skips where they cannot be had, and says so. @returns their node_modules */
export function published(context: TestContext, home: string, ...packages: readonly string[]): string {
  const env = { ...process.env, npm_config_userconfig: join(homedir(), ".npmrc") };
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--force"];
  try {
    run(home, ["/usr/bin/env", "npm", "install", ...quiet, ...packages], { env, network: true });
  } catch (error) {
    const reason = `not to be had: npm's ${packages.join(", ")} (${String(error).split("\n", 2).join(" ")})`;
    console.warn(`skipped: ${context.task.name}: ${reason}`);
    context.skip(reason);
  }
  return join(home, "node_modules");
}

function isRunnable(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface Manner {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it may reach anything: most get what they install from a folder. */
  readonly network?: true;
}

/** Runs an installer in a home of its own, with none of this machine's settings. @throws Error with its words */
export function run(home: string, command: readonly string[], { cwd = home, env = {}, network }: Manner = {}): string {
  const alone = network === true ? [] : ["/usr/bin/unshare", "--net", "--"];
  const [program = "", ...args] = [...alone, ...command];
  const own = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", ...env };
  return execFileSync(program, args, {
    cwd,
    env: own,
    encoding: "utf8",
    timeout: 300_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The command line that runs another one where some paths are others (bubblewrap): `instead` of a path, what is bound there. */
export function where(instead: Readonly<Record<string, string>>, empty: readonly string[] = []): readonly string[] {
  const tops = readdirSync("/").flatMap((name) =>
    lstatSync(`/${name}`).isSymbolicLink()
      ? ["--symlink", readlinkSync(`/${name}`), `/${name}`]
      : ["--dev-bind", `/${name}`, `/${name}`],
  );
  const others = Object.entries(instead).flatMap(([path, from]) => ["--bind", from, path]);
  return ["/usr/bin/bwrap", ...tops, ...empty.flatMap((path) => ["--tmpfs", path]), ...others];
}

/** Something that an installer installs here, as a policy names it. */
export type Thing = { readonly version: string } & (
  | { readonly kind: "package"; readonly ecosystem: string; readonly id: string }
  | { readonly kind: "extension"; readonly host: string; readonly id: string }
);

/** A policy's own tool, as an organisation would write it. */
function toolOf(thing: Thing) {
  const { kind, id } = thing;
  const identity = kind === "package" ? { kind, id, ecosystem: thing.ecosystem } : { kind, id, host: thing.host };
  return { id: "installed-thing", name: "Installed thing", identities: [identity] };
}

const findings = z.object({
  findings: z.array(
    z.looseObject({ tool: z.string(), grade: z.string(), version: z.string().nullable(), where: z.string() }),
  ),
});

/** What `edict audit` says of a folder where a policy bans one thing: "proof 1.2.3" for every place. */
export async function audited(
  thing: Thing,
  folder: string,
  command: readonly string[] = [],
): Promise<readonly string[]> {
  const policy = join(base, "policy.json");
  const stages = [{ from: "2026-01-01T00:00:00Z", mode: "block" }];
  const tool = toolOf(thing);
  const ban = { id: "own", tool: tool.id, reason: "A test.", owner: "a@example.com", stages };
  writeFileSync(policy, JSON.stringify({ name: "own", tools: [tool], bans: [ban] }));
  const args = ["audit", folder, "--policy", policy, "--json"];
  const out = command.length === 0 ? (await edictAt(systemClock.now(), base, ...args)).out : elsewhere(command, args);
  const own = findings.parse(JSON.parse(out)).findings.filter((one) => one.tool === tool.id);
  return [...new Set(own.map(({ grade, version }) => `${grade} ${version ?? "-"}`))].toSorted();
}

const main = join(import.meta.dirname, "../../src/cli/main.ts");

function elsewhere(command: readonly string[], args: readonly string[]): string {
  const [program = "", ...rest] = [...command, process.execPath, main, ...args];
  try {
    return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  } catch (error) {
    return z.object({ status: z.literal(10), stdout: z.string() }).parse(error).stdout; // there are findings
  }
}

/** Whether a daily look at this person's install roots comes by it. */
async function isInRoots({ version, ...thing }: Thing, home: string): Promise<boolean> {
  const person = { name: "ann", uid: 0, gid: 0, home };
  const { said } = await lookAt(installRoots([person]).filter(({ path }) => path.startsWith(home)));
  return said.includes(`${thing.kind === "package" ? thing.ecosystem : thing.host} ${thing.id} ${version}`);
}

/** All that Edict says of what was installed for a person; a program where there is one to be started. */
export async function saidOf(thing: Thing, home: string, program?: string) {
  return {
    audit: await audited(thing, home),
    roots: await isInRoots(thing, home),
    ...(program !== undefined && { start: await decision("installed-thing", program, [toolOf(thing)]) }),
  };
}

/** The same where everything is as it should be. */
export function known({ version }: Thing, program = true) {
  return { audit: [`proof ${version}`], roots: true, ...(program && { start: "block" }) };
}
