import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import type { Wanted } from "#policy/compile.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Evidence, Needle } from "#policy/evidence.ts";

const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

/** A folder of the test's own, removed afterwards. */
export function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), "edict-observe-")));
  folders.push(made);
  return made;
}

export function write(path: string, content: string | Uint8Array, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

export const markerText = "com.example.banned-tool";
export const needle: Needle = { bytes: markerText, encoding: "utf8", where: "anywhere" };

export function wanting(parts: Partial<Wanted> = {}): Wanted {
  const ecosystems = new Set(["npm", "pypi", "deb"]);
  const everything = { configs: [], pathProof: false, ecosystems, extensions: true, signers: new Set<string>() };
  return { sizes: new Set(), needles: [needle], ...everything, ...parts };
}

/** A native program of our own that stays: /bin/sleep with a marker behind it. */
export function nativeTool(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync("/bin/sleep", path);
  writeFileSync(path, `\0${markerText}\0`, { flag: "a" });
  chmodSync(path, 0o755);
  return path;
}

/** A script tool in a node_modules layout, as npm lays it: package.json, cli.js, and a link in bin. */
export function npmTool(prefix: string, id: string, version = "1.2.3"): { script: string; root: string } {
  const root = join(prefix, "lib/node_modules", id);
  write(join(root, "package.json"), JSON.stringify({ name: id, version, bin: { tool: "cli.js" } }));
  const script = write(join(root, "cli.js"), "#!/usr/bin/env node\nsetInterval(() => {}, 1000);\n", 0o755);
  return { script, root };
}

interface StartOptions {
  readonly cwd?: string;
  readonly argv0?: string;
  readonly stdin?: "ignore" | "pipe";
}

/** Starts a program that the test's end will end; resolves when it has become that program. */
export async function start(program: string, args: readonly string[], options: StartOptions = {}) {
  const { stdin = "ignore", ...rest } = options;
  const child = spawn(program, args, { stdio: [stdin, "ignore", "ignore"], ...rest });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve); // Node reports it after execve(2)
    child.once("error", reject);
  });
  return child;
}

/** The evidence of a running process, read by the real platform. */
export async function evidenceOf(pid: number | undefined, wanted: Wanted = wanting()): Promise<Evidence> {
  const platform = await selectPlatform();
  const detail = await platform.inspect(pid ?? 0);
  if (detail === undefined) throw new Error(`process ${pid} is gone`);
  return identifier(wanted).process(detail, "process");
}

const dpkg = new DpkgDatabase("/var/lib/dpkg");

export function identifier(wanted: Wanted = wanting()): Identifier {
  return new Identifier({ wanted, dpkg, clock: systemClock });
}
