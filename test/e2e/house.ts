import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { runAgent } from "#agent/main.ts";
import { loadCatalog } from "#cli/catalog.ts";
import { ask } from "#cli/control-client.ts";
import type { ExecSeen, Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { statusSchema, type Status } from "#protocol/status.ts";
import { createKey, loadKey } from "#publish/keys.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { initRepository, resignTimestamp } from "#publish/repository.ts";
import type { Signer } from "#publish/signer.ts";
import { startServer, type RunningServer } from "#server/start.ts";
import type { SetClock } from "../fakes/clock.ts";

/** The machine, but of all its processes only those of these users: a test may stop nobody else's. */
export async function onlyUsers(...uids: readonly number[]): Promise<Platform> {
  const platform = await selectPlatform();
  const processes: Platform["processes"] = async () =>
    (await platform.processes()).filter(({ uid }) => uid !== undefined && uids.includes(uid));
  const theirs = ({ pid }: ExecSeen): boolean =>
    uids.includes(statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? -1);
  const execs: Platform["execs"] = (told, how) =>
    platform.execs((batch) => told({ ...batch, seen: batch.seen.filter(theirs) }), how);
  return { ...platform, processes, execs };
}

export interface Running {
  readonly server: RunningServer;
  readonly state: string;
  readonly run: string;
  /** Moves the time for server and agent; the server signs its timestamp anew, as it does every hour. */
  setTime(text: string): Promise<void>;
  /** Signs this policy and publishes it, as `edict policy sign` and `push` do. */
  publish(policy: object): Promise<void>;
  /** All OCSF events the server stored, oldest first. */
  reports(): Promise<readonly OcsfEvent[]>;
  /** As `edict status` asks for it. */
  status(): Promise<Status>;
  stop(): Promise<void>;
}

/** A server and an agent that knows it, both real, in `folder`. */
export async function startHouse(options: {
  readonly folder: string;
  readonly clock: SetClock;
  readonly policy: object;
  readonly platform: Platform;
  readonly roots?: readonly string[];
  readonly groups?: readonly string[];
  /** Mount points that the gate holds; none where left out, for it would hold the machine. */
  readonly gate?: readonly string[];
}): Promise<Running> {
  const { folder, clock, platform } = options;
  const data = join(folder, "server");
  const { file } = await createKey({ name: "signer", dir: folder, passphrase: "a test's own" });
  const key: Signer = await loadKey(file, "a test's own");
  const repository = { dir: join(data, "repo"), keysDir: join(data, "keys"), clock };
  const { root } = await initRepository({ ...repository, key });
  writeFileSync(join(folder, "root.json"), root);
  const catalog = Buffer.from(JSON.stringify(await loadCatalog()));
  const publish = async (policy: object): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(policy));
    await publishProposal({
      ...repository,
      proposal: await signPolicy({ repo: repository.dir, policy: bytes, catalog, key, clock }),
    });
  };
  await publish(options.policy);
  const server = await startServer({ data, listen: "127.0.0.1:0", clock });
  writeFileSync(join(folder, "enrol.secret"), server.enrolSecret, { mode: 0o600 });
  const [state, run] = [join(folder, "state"), join(folder, "run")];
  mkdirSync(run);
  const stopping = new AbortController();
  const ready = Promise.withResolvers<undefined>();
  const agent = runAgent(
    {
      server: server.url,
      root: join(folder, "root.json"),
      enrolSecretFile: join(folder, "enrol.secret"),
      state,
      run,
      ...(options.roots !== undefined && { roots: [...options.roots] }),
      groups: [...(options.groups ?? [])],
      sweepSeconds: 0.5,
      pollSeconds: 1,
      enforcement: "policy",
      failClosed: false,
      gate: options.gate === undefined ? "off" : { mounts: [...options.gate], elsewhere: false },
      logLevel: "debug",
    },
    { clock, console: false, platform, ready: () => ready.resolve(undefined) },
    stopping.signal,
  );
  await Promise.race([ready.promise, agent]);
  return {
    server,
    state,
    run,
    publish,
    setTime: async (text) => {
      clock.set(text);
      await resignTimestamp(repository);
    },
    reports: () => allReports(server),
    status: async () => statusSchema.parse(await ask({ ask: "status" }, { env: { EDICT_RUN: run } })),
    stop: async () => {
      stopping.abort();
      await agent;
      await server.close();
    },
  };
}

async function allReports({ url, adminToken }: RunningServer): Promise<readonly OcsfEvent[]> {
  const events: OcsfEvent[] = [];
  for (let since = 0; ;) {
    const reply = await fetch(`${url}/api/v1/reports?limit=200&since=${since}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    const page = (await reply.json()) as { reports: { event: OcsfEvent }[]; next: number };
    if (page.reports.length === 0) return events;
    events.push(...page.reports.map(({ event }) => event));
    since = page.next;
  }
}

/** Installs real tools from npm once for a file of tests; the reason, printed with the skip, where they are not to be had. */
export function installTools(prefix: string, ...tools: readonly string[]): string | undefined {
  try {
    const home = mkdtempSync(join(tmpdir(), "edict-npm-")); // some write into the shell's files of the home that they find
    const [npm_config_cache, npm_config_userconfig] = [".npm", ".npmrc"].map((name) => join(homedir(), name));
    const env = { npm_config_cache, npm_config_userconfig, ...process.env, HOME: home };
    const install = ["install", "--global", "--prefix", prefix, "--loglevel=error", ...tools];
    execFileSync("npm", install, { stdio: "pipe", env });
    rmSync(home, { recursive: true });
    return undefined;
  } catch (error) {
    const reason = `npm could not install the real tools: ${error instanceof Error ? error.message.split("\n")[0] : ""}`;
    console.warn(`skipped: ${reason}`);
    return reason;
  }
}

/** The policy of the examples, as it is shipped. */
export function example(name: string): { bans: object[] } & Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../../policies/examples/${name}`, import.meta.url), "utf8"));
}

/** Asks until it is so; the parts speak over sockets and sweeps, which give nothing to wait on. @throws after 30 s */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 30_000; !(await isSo());) {
    if (performance.now() > end) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
