import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { metaJson } from "#publish/content.ts";
import { readRepository } from "#publish/current.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { onlineKeys } from "#publish/online-keys.ts";
import { resignTimestamp } from "#publish/repository.ts";
import { startServer, type RunningServer } from "#server/start.ts";
import { openClient } from "#trust/client.ts";
import type { Generation } from "#trust/generation.ts";
import { sha256 } from "#trust/sha256.ts";
import { lacking } from "../needs.ts";
import { day, TestClock } from "../trust/repository.ts";

// docs/trust.md, run as it is written: every block by a shell, every command by the real program, in order and in one folder.
// A device that has followed from the first policy on, and a new one, look after each step and have to see the same.

interface Step {
  readonly line: number;
  readonly heading: string;
  /** A block of commands, or what happens meanwhile: `<!-- test: 100 days later -->`. */
  readonly kind: "commands" | "event";
  readonly text: string;
}

const document = await readFile(new URL("../../docs/trust.md", import.meta.url), "utf8");
const steps = [...stepsOf(document.split("\n"))];

function* stepsOf(lines: readonly string[]): Generator<Step> {
  let heading = "";
  let block: string[] | undefined;
  for (const [i, line] of lines.entries()) {
    const event = /^<!-- test: (.+) -->$/.exec(line)?.[1];
    if (line === "```sh") block = [];
    else if (line === "```" && block !== undefined) {
      yield { line: i - block.length + 1, heading, kind: "commands", text: block.join("\n") };
      block = undefined;
    } else if (block !== undefined) block.push(line);
    else if (line.startsWith("#")) heading = line.replace(/^#+ /, "");
    else if (event !== undefined) yield { line: i + 1, heading, kind: "event", text: event };
  }
}

const clock = new TestClock("2026-07-10T00:00:00Z");
const device = /^DEVICE=(\w+)$/m.exec(document)?.[1] ?? "";
let folder = "";
let server: RunningServer | undefined;
let data = "server";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edict-runbook-"));
  const bin = join(folder, "bin");
  await mkdir(bin);
  const program = fileURLToPath(new URL("edict-at.ts", import.meta.url));
  await writeFile(join(bin, "edict"), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  // It does not end: the test starts it, with its own clock and at a free port.
  await writeFile(join(bin, "edict-server"), `#!/bin/sh\necho "$@" > "$EDICT_SERVE"\n`, { mode: 0o755 });
  await mkdir(join(folder, "work"));
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const noOpenssl = lacking("openssl");
const events: Readonly<Record<string, () => Promise<void>>> = {
  "100 days later": async () => {
    clock.add(100 * day);
    await resignTimestamp(repository());
  },
  "400 days later": async () => {
    clock.add(400 * day);
    await expect(resignTimestamp(repository())).rejects.toMatchObject({ code: "EXPIRED" });
  },
  "fast-forward attack": fastForward,
  "server stops": async () => {
    await server?.close();
    server = undefined;
  },
};

/** What a device has, in short. */
function inShort(seen: Generation | undefined): object {
  const nameOf = (bytes: Uint8Array | undefined): unknown => bytes && json(bytes)["name"];
  const granted = seen?.exceptions === undefined ? [] : json(seen.exceptions)["exceptions"];
  return { policy: nameOf(seen?.policy), finance: nameOf(seen?.groups.get("finance")), granted };
}

/** And what of that is certain after a step: from where it was signed on, policies are there for ever. */
function expectedAfter({ line, text: block }: Step): object {
  const from = (words: string): number => steps.findIndex((step) => step.text.includes(words));
  const at = steps.findIndex((step) => step.line === line);
  const [grant, revoke] = [block.lastIndexOf("edict trust grant"), block.lastIndexOf("edict trust revoke")];
  return {
    ...(at > from("edict policy sign ban.json") + 1 && { policy: "our-software" }),
    ...(at >= from("edict policy sign finance.json") && { finance: "finance" }),
    ...(Math.max(grant, revoke) >= 0 && { granted: grant > revoke ? [expect.anything()] : [] }),
  };
}

function json(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
}

const commands = steps.filter(({ kind }) => kind === "commands");
const runs = steps.map((step) => ({
  ...step,
  run: step.kind === "event" ? (events[step.text] ?? unknownEvent) : () => runBlock(step),
}));

function unknownEvent(): never {
  throw new Error("nothing of that kind happens in this test");
}

async function runBlock(step: Step): Promise<void> {
  expect(await shell(step.text)).toMatchObject({ code: 0 });
  await serveIfAsked(step.text);
  expect(inShort(await look())).toMatchObject(expectedAfter(step));
}

test("the runbook has commands for everything it promises", () => {
  expect(commands.length).toBeGreaterThan(25);
  const used = new Set(document.match(/edict (trust|keys|policy) [a-z]+/g));
  for (const verb of ["init", "sign", "complete", "push", "delegate", "rotate", "renew", "grant", "revoke", "status"])
    expect(used).toContain(`edict trust ${verb}`);
});

test.skipIf(noOpenssl !== undefined).each(runs)(
  "$heading, line $line of the runbook",
  { timeout: 120_000 },
  async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  },
);

/** One block, by a shell that stops at the first command that fails; what it sets is set in the next one too. */
async function shell(block: string): Promise<{ readonly code: unknown; readonly out: string }> {
  const [now, state] = [join(folder, "now"), join(folder, "state")];
  await writeFile(now, String(clock));
  await writeFile(state, "", { flag: "a" });
  const script = `set -aeuo pipefail; . '${state}'; SERVER='${server?.url ?? ""}'\n${block}\nexport -p > '${state}'`;
  const env = {
    PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    HOME: folder,
    EDICT_PASSPHRASE: "correct horse battery",
    EDICT_NOW: now,
    EDICT_SERVE: join(folder, "serve"),
  };
  const child = spawn("/bin/bash", ["-c", script], { cwd: join(folder, "work"), env });
  child.stdin.end();
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, out: out + err };
}

async function serveIfAsked(block: string): Promise<void> {
  if (!block.includes("edict-server serve")) return;
  const asked = (await readFile(join(folder, "serve"), "utf8")).trim();
  expect(asked).toMatch(/^serve --data \w+ --listen 127\.0\.0\.1:8443$/);
  expect(block.trimEnd().split("\n").at(-1)).toBe(`edict-server ${asked}`);
  data = asked.split(" ")[2] ?? "";
  server = await startServer({ data: join(folder, "work", data), listen: "127.0.0.1:0", clock });
}

function repository(): { readonly dir: string; readonly keysDir: string; readonly clock: TestClock } {
  const place = join(folder, "work", data);
  return { dir: join(place, "repo"), keysDir: join(place, "keys"), clock };
}

/** As a device that has followed from the beginning, and as a new one; undefined before there is a policy. */
async function look(): Promise<Generation | undefined> {
  if (server === undefined) return undefined;
  const { targets } = await readRepository({ repo: repository().dir, clock });
  if (!targets.targets.has("policy.json")) return undefined;
  const bootstrap = await readFile(join(folder, "work", "root.json"));
  const seen: Generation[] = [];
  for (const dir of [join(folder, "old"), await mkdtemp(join(folder, "new-"))]) {
    const following = { groups: ["finance"], shard: sha256(device).slice(0, 2) };
    const client = openClient({ dir, url: `${server.url}/repo/`, bootstrap, clock, ...following });
    const generation = await client.refresh();
    await client.activated(generation);
    client.close();
    seen.push(generation);
  }
  const [old, fresh] = seen;
  expect(fresh?.id).toBe(old?.id);
  return old;
}

/** Whoever stole the server's keys publishes the highest version there is, and devices see it. */
async function fastForward(): Promise<void> {
  const { dir, keysDir } = repository();
  const [version, now] = [Number.MAX_SAFE_INTEGER, clock.now()];
  const { snapshot } = await readRepository({ repo: dir, clock });
  const meta = Object.fromEntries([...snapshot.meta].map(([name, known]) => [name, metaJson(known)]));
  const content = { ...header("snapshot", version, now), meta };
  const forged = fileOf(await signed(content, await onlineKeys(keysDir, "snapshot")));
  await writeFile(join(dir, `${version}.snapshot.json`), forged);
  const above = { "snapshot.json": { version, ...describeBytes(forged) } };
  const timestamp = { ...header("timestamp", version, now), meta: above };
  await writeFile(join(dir, "timestamp.json"), fileOf(await signed(timestamp, await onlineKeys(keysDir, "timestamp"))));
  await look();
  await expect(resignTimestamp(repository())).rejects.toMatchObject({ code: "VERSION" });
}
