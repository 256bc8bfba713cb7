import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Listr } from "listr2";
import { z } from "zod";
import { runAgent } from "#agent/main.ts";
import { Audit } from "#cli/audit-look.ts";
import { auditLines } from "#cli/audit-table.ts";
import { loadCatalog } from "#cli/catalog.ts";
import { CommandError, type Command, type Io } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { approved, banned, demoPolicy, installStandIns } from "#cli/demo/stand-ins.ts";
import { story, whereNext, type Summary } from "#cli/demo/story.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Platform } from "#platform/platform.ts";
import { statusSchema, whySchema, type Entry } from "#protocol/status.ts";
import { createKey, loadKey } from "#publish/keys.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { initRepository } from "#publish/repository.ts";
import { startServer } from "#server/start.ts";

/** What the demo did, in the order in which it did it. */
interface Demo {
  readonly io: Io;
  readonly folder: string;
  readonly platform: Platform;
  readonly stop: AbortController;
  bin: string;
  policyFile: string;
  server?: Awaited<ReturnType<typeof startServer>>;
  agent?: Promise<void>;
  /** What the person's terminal showed. */
  screen: string;
  stopped: boolean;
  replacementRan: boolean;
  told?: Entry["told"];
  reports: number;
  why: readonly string[];
  audit: unknown;
  auditText: string;
}

export const command: Command = {
  options: [
    ["--once", "end by itself instead of staying up"],
    ["--json", "close with one line of JSON"],
  ],
  run: async (input, io) => {
    const began = io.clock.now();
    const folder = await mkdtemp(join(tmpdir(), "edict-demo-"));
    const platform = await selectPlatform();
    const demo: Demo = {
      io,
      folder,
      platform,
      stop: new AbortController(),
      bin: "",
      policyFile: join(folder, "policy.json"),
      screen: "",
      stopped: false,
      replacementRan: false,
      reports: 0,
      why: [],
      audit: null,
      auditText: "",
    };
    const json = input.options["json"] === true;
    const once = input.options["once"] === true || json;
    try {
      await go(demo, json);
      const seen = summary(demo, (io.clock.now() - began) / 1000);
      if (json) io.out(`${JSON.stringify(seen)}\n`);
      else io.out(story(seen, demo.screen, demo.told?.toast ?? "nobody was told", demo.auditText));
      if (!once && !io.signal.aborted) {
        io.out(whereNext(places(demo)));
        await new Promise((resolve) => io.signal.addEventListener("abort", resolve, { once: true }));
      }
      return demo.stopped && demo.replacementRan && demo.reports === 1 ? exitCodes.ok[0] : exitCodes.failed[0];
    } finally {
      demo.stop.abort();
      await demo.agent?.catch(() => undefined);
      await demo.server?.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const steps: readonly (readonly [title: string, task: (demo: Demo) => Promise<void>])[] = [
  [`Install a harmless stand-in (${banned.command}) and its replacement (${approved.command})`, install],
  ["Sign a policy, and start a server that carries it", serve],
  ["Start an agent, which pulls and verifies the policy", startAgent],
  [`Run ${banned.command}, which is banned`, runBanned],
  [`Run ${approved.command}, which is approved`, runApproved],
  ["Look for the report on the server", findReport],
  ["Ask the agent why", askWhy],
  ["Audit this machine; real tools are only observed", look],
];

/** On a terminal as a list that fills; with `--json` as lines on standard error, so that standard output stays a program's. */
async function go(demo: Demo, json: boolean): Promise<void> {
  const tasks = steps.map(([title, task]) => ({
    title,
    task: () => {
      if (json) demo.io.err(`${title} …\n`);
      return task(demo);
    },
  }));
  await new Listr(tasks, {
    concurrent: false,
    renderer: json ? "silent" : "default",
    fallbackRenderer: "simple",
  }).run();
}

async function install(demo: Demo): Promise<void> {
  demo.bin = installStandIns(join(demo.folder, "tools"));
  const catalog = await loadCatalog();
  const policy = demoPolicy(
    catalog.tools.map((tool) => tool.id),
    demo.io.clock.now(),
  );
  await writeFile(demo.policyFile, `${JSON.stringify(policy, null, 2)}\n`);
}

async function serve(demo: Demo): Promise<void> {
  const { clock } = demo.io;
  const data = join(demo.folder, "server");
  const passphrase = "only for this demo";
  const { file } = await createKey({ name: "demo", dir: demo.folder, passphrase });
  const key = await loadKey(file, passphrase);
  const repository = { dir: join(data, "repo"), keysDir: join(data, "keys"), clock };
  const { root } = await initRepository({ ...repository, key });
  await writeFile(join(demo.folder, "root.json"), root);
  const catalog = Buffer.from(JSON.stringify(await loadCatalog()));
  const proposal = await signPolicy({
    repo: repository.dir,
    policy: await readFile(demo.policyFile),
    catalog,
    key,
    clock,
  });
  await publishProposal({ ...repository, proposal });
  demo.server = await startServer({ data, listen: "127.0.0.1:0", clock });
  await writeFile(join(demo.folder, "enrol.secret"), demo.server.enrolSecret, { mode: 0o600 });
}

async function startAgent(demo: Demo): Promise<void> {
  const { folder, io } = demo;
  await mkdir(join(folder, "run"));
  const ready = Promise.withResolvers<undefined>();
  demo.agent = runAgent(
    {
      server: serverOf(demo).url,
      root: join(folder, "root.json"),
      enrolSecretFile: join(folder, "enrol.secret"),
      state: join(folder, "state"),
      run: join(folder, "run"),
      roots: [join(folder, "tools")],
      groups: [],
      sweepSeconds: 1,
      pollSeconds: 1,
      enforcement: "policy",
      failClosed: false,
      gate: "off",
      logLevel: "info",
    },
    { clock: io.clock, console: false, ready: () => ready.resolve(undefined) },
    demo.stop.signal,
  );
  await Promise.race([ready.promise, demo.agent]);
  await until(demo, async () => (await statusOf(demo)).policy.version > 0, "the agent has no policy");
}

/** Runs one of the stand-ins in a terminal, from a shell, as a person would. */
async function inTerminal(demo: Demo, name: string, enough: (screen: string) => boolean): Promise<string> {
  let screen = "";
  const seen = Promise.withResolvers<undefined>();
  const run = demo.platform.runInTerminal("/bin/sh", ["-c", `"$0"; echo "[exit $?]"; read _`, join(demo.bin, name)], {
    env: { PATH: `${demo.bin}:${dirname(process.execPath)}:/usr/bin:/bin`, LANG: "C.UTF-8" },
    onOutput: (text) => {
      screen += text;
      if (enough(screen)) seen.resolve(undefined);
    },
  });
  await Promise.race([seen.promise, run.ended, deadline(demo)]);
  run.stop();
  return screen.replaceAll("\r", "");
}

async function runBanned(demo: Demo): Promise<void> {
  // 143 is 128 + SIGTERM, 137 is 128 + SIGKILL (sh(1)).
  const ended = /\[exit (?:143|137)\]/u;
  demo.screen = await inTerminal(
    demo,
    banned.command,
    (screen) => ended.test(screen) && screen.includes(approved.command),
  );
  demo.stopped = ended.test(demo.screen);
  await until(demo, async () => (demo.told = (await stopOf(demo))?.told) !== undefined, "nobody was told");
}

async function runApproved(demo: Demo): Promise<void> {
  const screen = await inTerminal(demo, approved.command, (text) => text.includes("[exit "));
  demo.replacementRan = screen.includes("owl: ready") && screen.includes("[exit 0]");
}

const reportsSchema = z.object({
  reports: z.array(z.object({ event: z.looseObject({ class_uid: z.number() }) }).loose()),
});

async function findReport(demo: Demo): Promise<void> {
  const { url, adminToken } = serverOf(demo);
  const count = async (): Promise<number> => {
    const reply = await fetch(`${url}/api/v1/reports`, { headers: { authorization: `Bearer ${adminToken}` } });
    const { reports } = reportsSchema.parse(await reply.json());
    return reports.filter(({ event }) => event.class_uid === 1007 && event["action_id"] === 2).length;
  };
  await until(demo, async () => (demo.reports = await count()) > 0, "the server has no report");
}

async function askWhy(demo: Demo): Promise<void> {
  demo.why = whySchema.parse(await ask({ ask: "why-ban", ban: "parrot" }, asPerson(demo))).lines;
}

async function look(demo: Demo): Promise<void> {
  const { io, platform } = demo;
  const [policy, catalog] = [await readPolicy(io, demo.policyFile), await loadCatalog()];
  const { result } = await new Audit({ platform, catalog, policy, named: [], io }).run();
  demo.audit = result;
  demo.auditText = `${auditLines(result).join("\n")}\n`;
}

function serverOf({ server }: Demo): NonNullable<Demo["server"]> {
  if (server === undefined) throw new CommandError(exitCodes.failed[0], "the demo's server did not start");
  return server;
}

/** Asks this demo's agent, whoever else may run on the machine. */
function asPerson({ io, folder }: Demo): Io {
  return { ...io, env: { ...io.env, EDICT_RUN: join(folder, "run") } };
}

async function statusOf(demo: Demo): Promise<z.infer<typeof statusSchema>> {
  return statusSchema.parse(await ask({ ask: "status" }, asPerson(demo)));
}

async function stopOf(demo: Demo): Promise<Entry | undefined> {
  return (await statusOf(demo)).recorded.find((entry) => entry.ban === "parrot" && entry.did === "stopped");
}

const patience = 20_000;

function deadline(demo: Demo): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patience);
    timer.unref();
    demo.stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

/** Looks until it is so; the demo's parts speak over real sockets, which have nothing to wait on. */
async function until(demo: Demo, isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  const end = Date.now() + patience;
  while (!(await isSo())) {
    if (Date.now() > end || demo.io.signal.aborted)
      throw new CommandError(exitCodes.failed[0], `the demo stopped: ${otherwise}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function summary(demo: Demo, seconds: number): Summary {
  const { stopped, replacementRan, told, reports, why, audit: found } = demo;
  return {
    stopped,
    replacementRan,
    told: { terminal: told?.terminal === "written", toast: told?.toast === "shown" },
    reported: reports === 1,
    why,
    audit: found,
    seconds,
  };
}

function places(demo: Demo): Parameters<typeof whereNext>[0] {
  const { url, adminToken } = serverOf(demo);
  const run = join(demo.folder, "run");
  return { console: `${url}/?token=${adminToken}`, bin: demo.bin, run, policy: demo.policyFile };
}
