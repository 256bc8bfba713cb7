import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pong } from "#agent/gate-line.ts";
import type { GateHears } from "#agent/gate-ears.ts";
import type { Stalls } from "#agent/gate-stalls.ts";
import { Gatekeeper } from "#agent/gatekeeper.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import type { Device } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { GateProcess } from "#platform/gate.ts";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { fromGateSchema } from "#protocol/gate.ts";
import type { Generation } from "#trust/generation.ts";
import { generationOf } from "../fakes/generation.ts";

/** A marker that stands in what the place's policy bans, and nowhere else. */
export const marker = "EDICT-TEST-GATE-MARKER-6f1c2a9e";

/** A policy as bytes: everything with the marker, or of the npm package "banned-tool", is blocked. */
export function gatePolicy(change: object = {}): Buffer {
  const identities = [
    { kind: "marker", bytes: marker },
    { kind: "package", ecosystem: "npm", id: "banned-tool" },
  ];
  return Buffer.from(
    JSON.stringify({
      name: "gate",
      bans: [
        {
          id: "banned",
          tool: "banned-tool",
          reason: "a test's",
          owner: "security@example.com",
          stages: [{ from: "2026-01-01T00:00:00Z", mode: "block" }],
          ...change,
        },
      ],
      tools: [
        {
          id: "banned-tool",
          name: "Banned",
          vendor: "Nobody",
          homepage: "https://example.com",
          category: "test",
          identities,
        },
      ],
    }),
  );
}

export const device: Device = {
  id: "d",
  os: "linux",
  groups: [],
  claimed: [],
  person: "",
  installed: new Set(),
  vital: new Set(),
  breakers: new Set(),
  acknowledged: [],
  enforcement: "policy",
};

/** Ran to its end with this code, was denied, or was ended by a signal. */
export type Ran = number | "denied" | NodeJS.Signals;

/** A filesystem of its own in memory, and a real gate that holds only it: whatever fails there, the machine goes on. */
export class GatePlace {
  readonly folder: string;
  readonly keeper: Gatekeeper;
  readonly denied: Evidence[] = [];
  readonly late: string[] = [];
  device: Device = device;
  overflows = 0;
  readonly #now: () => Instant;
  #gate: GateProcess | undefined;
  /** Its own numbers, which the keeper's do not reach. */
  #asked = 1_000_000;
  readonly #pongs = new Map<number, Pong>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  private constructor(folder: string, platform: Platform, options: PlaceOptions) {
    this.folder = folder;
    this.#now = () => options.now ?? systemClock.now();
    const { startGate } = platform;
    if (startGate === undefined) throw new Error("no gate on this platform");
    this.keeper = new Gatekeeper({
      platform: { people: () => platform.people(), startGate: () => this.#listen(startGate()) },
      log: quiet,
      agent: process.pid,
      failClosed: options.failClosed ?? false,
      only: { mounts: [folder], elsewhere: options.elsewhere ?? false },
      now: this.#now,
      device: () => this.device,
      hears: {
        denied: ({ evidence }) => void this.denied.push(evidence),
        late: ({ path }) => void this.late.push(path),
        overflow: () => void (this.overflows += 1),
        owner: () => Promise.resolve({}),
        opener: () => Promise.resolve({}),
        person: ({ uid }) => Promise.resolve({ name: String(uid) }),
        ...options.hears,
      },
      ...(options.stalls !== undefined && { stalls: options.stalls }),
    });
    this.#running = this.keeper.run(this.#stop.signal);
  }

  /** Mounts it, starts the gate and waits until it serves. */
  static async open(options: PlaceOptions = {}): Promise<GatePlace> {
    const folder = mkdtempSync(join(tmpdir(), "edict-gate-"));
    execFileSync("mount", ["-t", "tmpfs", "edict-test", folder]);
    const place = new GatePlace(folder, options.platform ?? (await selectPlatform()), options);
    await place.enforce(options.policy ?? gatePolicy(), 1);
    return place;
  }

  /** From now on this policy is to be answered by. */
  want(policy: Buffer, version: number, parts: Partial<Generation> = {}): void {
    const catalog = Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] }));
    this.keeper.policy({ ...generationOf(version, policy, catalog), ...parts });
  }

  /** From when it resolves this policy is answered by. */
  async enforce(policy: Buffer, version: number, parts: Partial<Generation> = {}): Promise<void> {
    const before = this.keeper.health.pid;
    this.want(policy, version, parts);
    await until(() => this.keeper.state().up && this.keeper.health.pid !== before);
  }

  /** A program of the place's own, made of /bin/true: root's, or a user's where `owner` says so. */
  add(name: string, { banned = false, owner = 0 }: { banned?: boolean; owner?: number } = {}): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    copyFileSync("/bin/true", path);
    if (banned) appendFileSync(path, marker);
    chmodSync(path, 0o755);
    chownSync(path, owner, owner);
    return path;
  }

  /** What the gate has done up to now: asked here and now, as the keeper asks only once a second. */
  async counts(): Promise<Pong> {
    const { control } = this.#gate ?? {};
    if (control === undefined) throw new Error("the gate is not up");
    this.#asked += 1;
    const n = this.#asked;
    control.write(`${JSON.stringify({ say: "ping", n, now: this.#now() })}\n`);
    await until(() => this.#pongs.has(n));
    return this.#pongs.get(n) ?? this.counts();
  }

  #listen(gate: GateProcess): GateProcess {
    let rest = "";
    gate.control.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((one) => one.includes('"pong"'))) {
        const pong = fromGateSchema.safeParse(JSON.parse(line)).data;
        if (pong?.say === "pong") this.#pongs.set(pong.n, pong);
      }
    });
    return (this.#gate = gate);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    execFileSync("umount", ["-l", this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface PlaceOptions {
  readonly policy?: Buffer;
  readonly platform?: Platform;
  readonly failClosed?: boolean;
  /** Filesystems of other mount namespaces too, once the keeper is told of a process there. */
  readonly elsewhere?: boolean;
  readonly now?: ReturnType<typeof instantOf>;
  readonly hears?: Partial<GateHears>;
  readonly stalls?: Stalls;
}

/** Runs a program to its end. */
export function run(path: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const said = (error: unknown): void => {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPERM") resolve("denied");
      else reject(error instanceof Error ? error : new Error(String(error)));
    };
    try {
      const child = spawn(path, args, { stdio: "ignore" });
      child.once("error", said);
      child.once("exit", (code, signal) => resolve(code ?? signal ?? -1));
    } catch (error) {
      said(error); // spawn throws where it knows at once
    }
  });
}

/** @throws after 20 s */
export async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !isSo();) {
    if (performance.now() > end) throw new Error("gave up waiting");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
