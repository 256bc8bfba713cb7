import { spawn, type ChildProcess } from "node:child_process";
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type http from "node:http";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { systemClock, type Clock } from "#lib/clock.ts";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { statusSchema, type Status } from "#protocol/status.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { roleIn } from "#publish/proposal-file.ts";
import { readRoles } from "#publish/current.ts";
import { fileOf } from "#publish/metadata.ts";
import { publish } from "#publish/release.ts";
import { bytesOf, initRepository } from "#publish/repository.ts";
import { signerOf } from "#publish/signer.ts";
import { parseTargets } from "#trust/metadata.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve, type Web } from "../lib/web.ts";
import { askAs } from "./sockets.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A folder that other users may pass through. */
export async function openFolder(): Promise<string> {
  const dir = await temporaryFolder();
  chmodSync(dir, 0o755);
  return dir;
}

export interface Publisher {
  readonly repo: string;
  readonly root: string;
  publish(policy: object): Promise<void>;
  /** The same for a policy that no device can use: whoever has the keys can do that too. */
  publishUnusable(text: string): Promise<void>;
}

/** A signed repository in `folder`, as the administrator and the server make it. */
export async function publisher(folder: string, clock: Clock = systemClock): Promise<Publisher> {
  const data = join(folder, "server");
  const repository = { dir: join(data, "repo"), keysDir: join(data, "keys"), clock };
  const key = signerOf(generateKeyPairSync("ed25519").privateKey);
  const { root } = await initRepository({ ...repository, key });
  writeFileSync(join(folder, "root.json"), root);
  const catalog = Buffer.from('{"formatVersion":1,"tools":[]}');
  return {
    repo: repository.dir,
    root: join(folder, "root.json"),
    publish: async (policy) => {
      const bytes = Buffer.from(JSON.stringify(policy));
      const proposal = await signPolicy({ repo: repository.dir, policy: bytes, catalog, key, clock });
      await publishProposal({ ...repository, proposal });
    },
    publishUnusable: async (text) => {
      const policy = Buffer.from(text);
      const proposal = await signPolicy({ repo: repository.dir, policy, catalog, key, clock });
      const { set } = await readRoles({ repo: repository.dir, clock });
      const before = bytesOf(set);
      const bytes = fileOf(roleIn(proposal, "targets") ?? { signatures: [], signed: {} });
      await publish({
        dir: repository.dir,
        root: before.root,
        keysDir: repository.keysDir,
        now: clock.now(),
        before,
        targets: { version: parseTargets(bytes).version, bytes },
        files: new Map(
          Object.entries(proposal.files).map(([path, base64]) => named(path, Buffer.from(base64, "base64"))),
        ),
      });
    },
  };
}

/** As consistent snapshots have it (TUF 6.1): the hash is a part of the name. */
function named(path: string, bytes: Buffer): [string, Buffer] {
  return [`${createHash("sha256").update(bytes).digest("hex")}.${path}`, bytes];
}

/** What a server can do to its devices; one that waits answers when its mood changes. */
export type Mood = "good" | "waits" | "500" | "garbage" | "huge" | "slow" | "hangs up" | "redirects";

export interface Moody extends Web {
  mood: Mood;
}

/** Serves a repository in whatever mood it is. */
export async function moody(repo: string): Promise<Moody> {
  let mood: Mood = "good";
  const waiting: (() => void)[] = [];
  const state = {
    get mood(): Mood {
      return mood;
    },
    set mood(next) {
      mood = next;
      for (const answer of waiting.splice(0)) answer();
    },
  };
  const web = await serve((request, response) => {
    const answer = (): void => answerIn(repo, mood, request, response);
    if (mood === "waits") waiting.push(answer);
    else answer();
  });
  return Object.assign(state, web, { url: web.url.replace(/\/$/, "") });
}

function answerIn(repo: string, mood: Mood, request: http.IncomingMessage, response: http.ServerResponse): void {
  switch (mood) {
    case "waits":
    case "good":
      return file(repo, request, response);
    case "500":
      return void response.writeHead(500).end("no");
    case "garbage":
      return void response.end(Buffer.alloc(2000, 0xc3));
    case "redirects":
      return void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    case "hangs up":
      return void request.socket.destroy();
    case "slow":
      return void response.writeHead(200, { "content-length": "100" }).write("{");
    case "huge": {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
      };
      response.on("drain", more);
      return more();
    }
  }
}

function file(repo: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const path = normalize(decodeURIComponent(request.url ?? "")).replace(/^\/repo\//, "");
  try {
    response.end(readFileSync(join(repo, path)));
  } catch {
    response.writeHead(404).end();
  }
}

export interface Tool {
  readonly id: string;
  /** For a policy's `tools`. */
  readonly tool: object;
  /** Starts it; the test's end ends it. */
  start(uid?: number): Promise<ChildProcess>;
}

/** A program of the test's own that waits, known by its hash: no other file on the machine has it. */
export function nativeTool(folder: string): Tool {
  const id = `stand-in-${randomUUID()}`;
  const path = join(folder, id);
  copyFileSync("/bin/sleep", path);
  writeFileSync(path, `\0${id}`, { flag: "a" });
  chmodSync(path, 0o755);
  const bytes = readFileSync(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const identities = [{ kind: "hash", sha256, size: bytes.length }];
  return { id, tool: { id, name: "Stand-in", identities }, start: (uid) => started(path, ["600"], uid) };
}

/** The same as a script that node runs, in a package of npm's. */
export function npmTool(folder: string): Tool {
  const id = `stand-in-${randomUUID()}`;
  const home = join(folder, "lib/node_modules", id);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ name: id, version: "1.0.0", bin: { [id]: "cli.js" } }));
  writeFileSync(join(home, "cli.js"), "setInterval(() => {}, 1000);\n");
  const identities = [{ kind: "package", ecosystem: "npm", id }];
  const start = (uid?: number) => started(process.execPath, [join(home, "cli.js")], uid);
  return { id, tool: { id, name: "Stand-in", identities }, start };
}

async function started(program: string, args: readonly string[], uid?: number): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: "ignore", cwd: "/", ...(uid !== undefined && { uid, gid: uid }) });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

/** Which signal ended it, or its exit code. */
export async function end(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}

export const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** A policy that bans this one tool of the test's own, and nothing else. */
export function banning(tool: Pick<Tool, "id" | "tool">, mode: string, more: object = {}): object {
  const ban = { id: tool.id, tool: tool.id, reason: "A test.", stages: [{ from: "2020-01-01T00:00:00Z", mode }] };
  return { name: `bans ${tool.id}`, tools: [tool.tool], bans: [{ ...ban, running: { grace: "PT0S" }, ...more }] };
}

export const nothing = { name: "nothing", bans: [], allowEmpty: true };

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly run: string;
  readonly state: string;
  /** Everything it said on standard error. */
  said(): string;
  /** Resolves when it has said this; rejects when it ends before. */
  says(text: string): Promise<void>;
  status(uid?: number): Promise<Status>;
}

/** `edict agent --config FILE` as a process of its own; the test's end ends it. */
export function agent(
  folder: string,
  settings: object,
  options: {
    readonly args?: readonly string[];
    readonly env?: Record<string, string>;
    /** A program that runs it, and that program's arguments. */
    readonly under?: readonly string[];
  } = {},
): AgentProcess {
  const [state, run, config] = [join(folder, "state"), join(folder, "run"), join(folder, "agent.json")];
  mkdirSync(join(folder, "roots"), { recursive: true });
  // A gate of a test's would hold the whole machine.
  const usual = { gate: "off", state, run, roots: [join(folder, "roots")], sweepSeconds: 0.3, pollSeconds: 1 };
  writeFileSync(config, JSON.stringify({ ...usual, ...settings }), { mode: 0o600 });
  const command = [process.execPath, main, "agent", "--config", config, ...(options.args ?? [])];
  const [program = "", ...args] = [...(options.under ?? []), ...command];
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env },
    detached: options.under !== undefined, // a group of its own: whatever runs the agent may leave it behind
  });
  onTestFinished(() => (options.under === undefined ? void child.kill("SIGKILL") : endGroup(child)));
  let said = "";
  const wakers = new Set<() => void>();
  const wake = (): void => wakers.forEach((one) => one());
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    wake();
  });
  child.on("exit", wake);
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (said.includes(text)) resolve();
        else if (!isAlive(child)) reject(new Error(`the agent ended before it said "${text}":\n${said}`));
        else return;
        wakers.delete(look);
      };
      wakers.add(look);
      look();
    });
  return { child, run, state, said: () => said, says, status: (uid = 0) => statusAt(run, uid) };
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // all of it has ended
  }
}

export async function statusAt(run: string, uid = 0): Promise<Status> {
  const answer = await askAs(uid, join(run, "agent.sock"), { ask: "status" });
  if (answer?.ok !== true) throw new Error(`no status: ${JSON.stringify(answer)}`);
  return statusSchema.parse(answer.result);
}

/** Asks until it is so; the parts speak over sockets and sweeps, which give nothing to wait on. @throws after 30 s */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const late = performance.now() + 30_000; !(await isSo());) {
    if (performance.now() > late) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The machine, but of all its processes only those that the test has started. */
export async function onlyThese(pids: () => readonly (number | undefined)[]): Promise<Platform> {
  const platform = await selectPlatform();
  return {
    ...platform,
    processes: async () => (await platform.processes()).filter(({ pid }) => pids().includes(pid)),
    execs: (told, how) =>
      platform.execs((batch) => told({ ...batch, seen: batch.seen.filter(({ pid }) => pids().includes(pid)) }), how),
  };
}
