import { setTimeout as after } from "node:timers/promises";
import { GateEars, type GateHears } from "#agent/gate-ears.ts";
import { GateEntries } from "#agent/gate-entries.ts";
import { GateLine, type Marks, type Pong } from "#agent/gate-line.ts";
import { Stalls } from "#agent/gate-stalls.ts";
import { pause } from "#lib/backoff.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { deviceText, type Device } from "#policy/device.ts";
import type { Capability } from "#platform/capabilities.ts";
import { stoodStill, type Entry } from "#platform/gate.ts";
import type { Answering } from "#platform/meaning.ts";
import type { Platform } from "#platform/platform.ts";
import type { Begin, FromGate } from "#protocol/gate.ts";
import type { Generation } from "#trust/generation.ts";

export interface GatekeeperOptions {
  readonly platform: Pick<Platform, "startGate" | "people">;
  readonly log: Log;
  /** The agent's own pid. */
  readonly agent: number;
  readonly failClosed: boolean;
  /** Where not everything is to be gated. */
  readonly only?: Begin["only"];
  readonly now: () => Instant;
  readonly device: () => Device;
  readonly hears: GateHears;
  /** What is remembered of filesystems that gates stood still on; nothing yet, where left out. */
  readonly stalls?: Stalls;
}

/** What the gate sees and has done. */
export interface GateHealth {
  readonly marks: Marks | undefined;
  /** What it has done since it was last started. */
  readonly counts: Omit<Pong, "say" | "n"> | undefined;
  /** How often it ended without being told to. */
  readonly fell: number;
  /** Its process, while it serves. */
  readonly pid: number | undefined;
}

/** Milliseconds. */
const [pingEvery, peopleEvery, endWithin, healthyAfter] = [1_000, 60_000, 5_000, 60_000];
const restarts = { firstMs: 200, maxMs: 60_000 };
/** Looks into other mount namespaces a second, each some milliseconds of the gate's: anybody can make namespaces. */
const mostForeign = 20;

/**
 * Keeps one gate process in its place: starts it, starts it again when it has ended, and puts a new one beside it for each new
 * policy before the old one goes. Without it everything else goes on (law 6).
 */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #entries = new GateEntries((entries) => this.#line?.say({ say: "entries", entries }));
  readonly #ears: GateEars;
  readonly #stalls: Stalls;
  /** What the gate that serves leaves out. */
  #leave: readonly string[] = [];
  #wanted: Generation | undefined;
  #line: GateLine | undefined;
  #marks: Marks | undefined;
  #counts: GateHealth["counts"];
  #why = "no policy is in force yet";
  #fell = 0;
  #people: Begin["people"] = [];
  #foreign = 0;
  #pings = 0;
  #wake: () => void = () => undefined;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.#stalls = options.stalls ?? new Stalls();
    this.#ears = new GateEars(options.hears, options.log);
    if (options.platform.startGate === undefined)
      this.#why = "it was not asked for: nothing is stopped, or only one look is taken";
  }

  /** Whether it serves now. */
  state(): Capability {
    return this.#line?.alive === true ? { up: true } : { up: false, why: this.#why };
  }

  /** By which policy it answers now; undefined while it does not. */
  get answering(): Answering | undefined {
    const line = this.#line;
    if (line?.alive !== true) return undefined;
    const { version } = line.generation;
    return { version, behind: line.generation === this.#wanted ? undefined : this.#why };
  }

  /** Filesystems that it leaves out because gates stood still on them: where they are mounted, or their devices. */
  get leftOut(): readonly string[] {
    const at = (device: string): readonly string[] =>
      (this.#marks?.left ?? []).flatMap(({ path, why }) => (why === stoodStill(device) ? [path] : []));
    return this.#stalls.left().flatMap((device) => (at(device).length > 0 ? at(device) : [device]));
  }

  get health(): GateHealth {
    return { marks: this.#marks, counts: this.#counts, fell: this.#fell, pid: this.#line?.pid };
  }

  /** From now on this policy is answered by; undefined where nothing is banned, and nobody need wait. */
  policy(generation: Generation | undefined): void {
    this.#wanted = generation;
    if (this.#options.platform.startGate !== undefined)
      this.#why = generation === undefined ? "nothing is banned that a gate could stop" : "it is being made ready";
    this.#entries.clear();
    this.#wake();
  }

  /**
   * Something that a verdict depends on has changed, or may have: nothing stays settled. Twice a minute in any case, with the list
   * of vital programs, so that what was said of a file's owner is not believed for ever.
   */
  changed(): void {
    this.#line?.say({ say: "standing", ...this.#standing() });
  }

  /** A program was started from a filesystem ("major:minor") that may not be gated. */
  foreign(pid: number, dev: string): void {
    this.#foreign += 1;
    if (this.#foreign <= mostForeign) this.#line?.say({ say: "foreign", pid, dev });
  }

  /** A file of a banned tool that interpreters and loaders open. */
  entry(entry: Entry): void {
    this.#entries.add(entry);
  }

  /** Runs until aborted. Never throws: a machine without a gate is watched by the exec stream and by sweeps. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    const pinging = setInterval(() => this.#ping(), pingEvery);
    const naming = setInterval(() => void this.#readPeople(), peopleEvery);
    await this.#readPeople();
    try {
      for (let failures = 0; !signal.aborted;) failures = await this.#turn(failures, signal);
    } finally {
      clearInterval(pinging);
      clearInterval(naming);
      await this.#end(this.#line);
    }
  }

  /** One change of what stands: how many failures there were in a row. */
  async #turn(failures: number, signal: AbortSignal): Promise<number> {
    const wanted = this.#wanted;
    const line = this.#line;
    if (wanted === undefined || this.#options.platform.startGate === undefined) {
      this.#line = undefined;
      void this.#end(line);
      await this.#change(wanted, signal);
      return 0;
    }
    if (line?.alive === true && line.generation === wanted) {
      const began = performance.now();
      const how = await Promise.race([line.ended, this.#change(wanted, signal)]);
      if (how === undefined || this.#line !== line) return failures;
      this.#fell += 1;
      this.#why = `its process ended: ${how}`;
      this.#options.log.error("the gate has ended: programs start unasked until it is back", { how });
      return performance.now() - began > healthyAfter ? 1 : failures + 1;
    }
    if (failures > 0)
      await Promise.race([after(pause(failures, Math.random(), restarts)), this.#change(wanted, signal)]);
    if (signal.aborted || this.#wanted !== wanted) return failures;
    try {
      await this.#start(wanted);
      void this.#end(line);
      return failures;
    } catch (error) {
      this.#why = describe(error);
      this.#options.log.error("the gate does not start", { error: this.#why });
      return failures + 1;
    }
  }

  async #start(generation: Generation): Promise<void> {
    const { platform, agent, failClosed, only, log } = this.#options;
    const process = platform.startGate?.();
    if (process === undefined) return;
    const line = new GateLine(process, generation, (message) => this.#listen(line, message));
    void line.ended.then(() => this.#blame(line));
    const { version } = generation;
    const leave = this.#stalls.left();
    const marks = await line.begin({
      version,
      failClosed,
      agent,
      leave,
      ...(only !== undefined && { only }),
      ...this.#standing(),
    });
    this.#line = line;
    this.#leave = leave;
    this.#counts = undefined;
    this.#marks = marks;
    this.changed(); // what changed while it began
    this.#entries.sayAll();
    log.info("the gate is up", { version, devices: marks.devices.length, left: marks.left.length });
  }

  /** Where it stood still while it read, that filesystem may be what is wrong. */
  #blame({ stoodOn: device }: GateLine): void {
    if (device === undefined) return;
    const leftOut = this.#stalls.stood(device);
    this.#options.log.warn("the gate stood still on a filesystem", { device, leftOut });
  }

  /** Tells it to end, and sees to it. */
  async #end(line: GateLine | undefined): Promise<void> {
    if (line?.alive !== true) return;
    line.finish();
    const timer = setTimeout(() => line.kill(), endWithin);
    await line.ended;
    clearTimeout(timer);
  }

  /** Tells it the time, and hears how it is. Whether it lives, the kernel sees to. */
  #ping(): void {
    this.#pings += 1;
    this.#foreign = 0;
    this.#line?.say({ say: "ping", n: this.#pings, now: this.#options.now() });
    const devices = this.#stalls.left();
    if (devices.length >= this.#leave.length) return; // more are left out by the next gate: this one has ended of it
    this.#leave = devices;
    this.#line?.say({ say: "leave", devices });
  }

  async #readPeople(): Promise<void> {
    try {
      const found = (await this.#options.platform.people()).map(({ uid, name }) => [uid, name] as [number, string]);
      const changed = JSON.stringify(found) !== JSON.stringify(this.#people);
      this.#people = found;
      if (changed) this.changed();
    } catch (error) {
      this.#options.log.warn("the gate does not know everybody by name", { error: describe(error) });
    }
  }

  #standing(): Pick<Begin, "device" | "now" | "people"> {
    return { device: deviceText(this.#options.device()), now: this.#options.now(), people: this.#people };
  }

  /** Until another policy is wanted, or the end. */
  async #change(from: Generation | undefined, signal: AbortSignal): Promise<undefined> {
    while (this.#wanted === from && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  #listen(line: GateLine, message: FromGate): void {
    if (message.say === "pong") this.#pong(line, message);
    else if (message.say !== "marks") this.#ears.listen(line, message);
    else if (line === this.#line) this.#marks = message;
  }

  #pong(line: GateLine, message: Pong): void {
    if (line !== this.#line) return;
    if (message.unheard > (this.#counts?.unheard ?? 0))
      this.#options.log.warn("what the gate said was lost, as nobody read it for a while", { lines: message.unheard });
    this.#counts = message;
  }
}
