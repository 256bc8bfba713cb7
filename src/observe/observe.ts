import { setTimeout as after } from "node:timers/promises";
import type { Clock } from "#lib/clock.ts";
import { aborted } from "#lib/aborted.ts";
import { describe } from "#lib/errors.ts";
import type { KnownContents } from "#observe/content-memory.ts";
import type { Instant } from "#lib/pure/instant.ts";
import { Queue } from "#lib/queue.ts";
import type { Owner } from "#observe/at-gate.ts";
import { Identifier, type FileId, type Opening } from "#observe/identify.ts";
import type { RawPath } from "#observe/raw-path.ts";
import { ExecWatch, type ExecHealth } from "#observe/exec-watch.ts";
import { Given } from "#observe/given.ts";
import { Inventory, type InventoryHealth } from "#observe/inventory.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { systemDatabases } from "#observe/owners/system.ts";
import { ProcessWatch, type Sweep } from "#observe/process-watch.ts";
import { runAt } from "#observe/schedule.ts";
import { sameWants } from "#observe/same-wants.ts";
import type { Wanted } from "#policy/compile.ts";
import { usualSweepSeconds } from "#platform/capabilities.ts";
import type { ExecSeen, Platform } from "#platform/platform.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";

export interface ObserveOptions {
  /** Between two sweeps over the processes. Where left out, 5, and 10 as long as every exec is told of. */
  readonly sweepSeconds?: number | undefined;
  readonly clock: Clock;
  /** A cron expression for the full look at what is installed; every day at 12:17 where left out. */
  readonly dailyScan?: string;
  /** Whether starts are asked about before they happen (a gate serves): then those that follow one another are read together. */
  readonly mayGather?: (() => boolean) | undefined;
  /** Since when nobody watched; undefined where that is not known. */
  readonly absentSince?: Instant | undefined;
  /** What was read of files before the last end: each reading is believed of the very state of the file that it names. */
  readonly before?: KnownContents | undefined;
  /** The first look at everything waits for this, starts that are told of do not; at once where left out. Never rejects. */
  readonly begin?: Promise<void>;
  /** Called at the first exec in each mount namespace and from each device, and again some time after. Must not throw. */
  readonly onPlace?: ((place: Place) => void) | undefined;
}

/** Where a program has begun. */
export interface Place {
  readonly pid: number;
  /** Its mount namespace, as the platform names it. */
  readonly mounts: string;
  /** "major:minor". */
  readonly dev: string;
  /** Whether its paths mean the same here: our mount namespace, and our root folder. */
  readonly ours: boolean;
}

/** How well watching works, for the agent's own report. */
export interface WatchHealth {
  readonly sweeps: number;
  readonly lastSweep: Sweep | undefined;
  /** From the end of one to the next, as things are. */
  readonly sweepSeconds: number;
  /** What went wrong in the last sweep. */
  readonly error: string | undefined;
  readonly installed: InventoryHealth;
  /** Undefined where execs are not told of. */
  readonly execs: ExecHealth | undefined;
  /** Evidence that nobody fetched in time. */
  readonly lost: number;
}

export interface Watching {
  readonly evidence: AsyncIterable<Evidence>;
  /** The policy or a stage has changed: everything that runs or is installed is given again. */
  lookAgain(): void;
  /** The policy in force is known to stand. What was started under it while nobody watched is an exec from now on, and given again. */
  confirm(): void;
  /** Looks at one process now, and gives what it is unless that was given: a start that could not be judged in time. */
  lookAt(pid: number): void;
  /** Evidence of one process as it is now; undefined when it has gone. @throws PlatformError `denied` */
  inspect(pid: number): Promise<Evidence | undefined>;
  /** Who owns the file at a path; undefined where it is not that file that lies there. */
  owner(path: RawPath, id: FileId): Promise<Owner | undefined>;
  /** Who has opened a file to run it; undefined where that process only reads it. @throws PlatformError `denied` */
  opening(pid: number, path: RawPath, id: FileId): Promise<Opening | undefined>;
  /** What was read of files' contents so far. */
  contents(): KnownContents | undefined;
  health(): WatchHealth;
}

/** Evidence that may wait to be judged. Judging takes microseconds: this is for a machine that starts all at once. */
const mostWaiting = 50_000;

/** What the agent's policy in force wants read, and since when it is in force. */
export interface InForce {
  readonly wanted: Wanted;
  readonly activatedAt: Instant;
  /** Whether what was read of a file shows any identity that it asks for; everything, where left out. */
  readonly matters?: (seen: Seen) => boolean;
}

/** Milliseconds: when a process that may be about to exec is looked at again, where nobody tells of it. */
const againAfter = [50, 500] as const;
/** Milliseconds that even sweeps which are called for leave to others. */
const rest = 100;
const everything = (): boolean => true;

/** People's machines are on at noon. */
const noon = "17 12 * * *";

/** Watches a machine until aborted. `policies` is asked before each look, so that a new policy counts at once. @throws RangeError where `dailyScan` is no cron expression */
export function observe(
  platform: Platform,
  policies: () => InForce,
  options: ObserveOptions,
  signal: AbortSignal,
): Watching {
  return new Watch(platform, policies, options, signal);
}

class Watch implements Watching {
  readonly evidence: AsyncIterable<Evidence>;
  readonly #platform: Platform;
  readonly #policies: () => InForce;
  readonly #options: ObserveOptions;
  readonly #signal: AbortSignal;
  readonly #queue = new Queue<Evidence>(mostWaiting);
  readonly #processes: ProcessWatch;
  readonly #dpkg = new DpkgDatabase();
  readonly #others = systemDatabases();
  readonly #inventory: Inventory;
  readonly #given = new Given();
  readonly #execs: ExecWatch;
  #identifier: { readonly wanted: Wanted; readonly it: Identifier } | undefined;
  #wake: () => void = () => undefined;
  #missed = false;
  #sweeps = 0;
  #lastSweep: Sweep | undefined;
  #error: string | undefined;

  constructor(platform: Platform, policies: () => InForce, options: ObserveOptions, signal: AbortSignal) {
    this.#platform = platform;
    this.#policies = policies;
    this.#options = options;
    this.#signal = signal;
    const { clock, absentSince } = options;
    const give = (evidence: Evidence): void => void this.#queue.push(evidence);
    const given = this.#given;
    this.#processes = new ProcessWatch({ platform, clock, give, given, absentSince });
    const identifier = (): Identifier => this.#identify();
    this.#execs = new ExecWatch({
      platform,
      identifier,
      matters: () => policies().matters ?? everything,
      given,
      give,
      mayGather: options.mayGather ?? (() => false),
      onLost: () => this.#sweepNow(),
      onPlace: options.onPlace === undefined ? undefined : (seen) => options.onPlace?.(placeOf(seen)),
    });
    signal.addEventListener("abort", () => this.#execs.close(), { once: true });
    if (signal.aborted) this.#execs.close();
    this.#inventory = new Inventory({ platform, clock, identifier, give, signal });
    this.evidence = this.#queue.read(signal);
    runAt(options.dailyScan ?? noon, () => this.#inventory.scan(), signal);
    void this.#lookFrom(options.begin);
  }

  async #lookFrom(begin: Promise<void> = Promise.resolve()): Promise<void> {
    await Promise.race([begin, aborted(this.#signal)]);
    if (this.#signal.aborted) return;
    void this.#sweepOn();
    void this.#inventory.scan();
  }

  lookAgain(): void {
    this.#prepare();
    this.#processes.lookAgain();
    this.#wake();
    void this.#inventory.giveAgain();
  }

  confirm(): void {
    this.#processes.confirm();
    if (this.#processes.owed) this.#wake();
  }

  lookAt(pid: number): void {
    void this.#lookAt(pid).catch((error: unknown) => {
      this.#error = describe(error);
    });
  }

  async #lookAt(pid: number): Promise<void> {
    await this.#execs.lookAt(pid);
    if (this.#execs.up) return; // what it becomes is told
    for (const milliseconds of againAfter) {
      await after(milliseconds, undefined, { signal: this.#signal }).catch(() => undefined);
      if (this.#signal.aborted) return;
      await this.#execs.lookAt(pid);
    }
  }

  async inspect(pid: number): Promise<Evidence | undefined> {
    const detail = await this.#platform.inspect(pid);
    return detail === undefined ? undefined : this.#identify().process(detail, "process");
  }

  owner(path: RawPath, id: FileId): Promise<Owner | undefined> {
    return this.#identify().owner(path, id);
  }

  async opening(pid: number, path: RawPath, id: FileId): Promise<Opening | undefined> {
    const detail = await this.#platform.inspect(pid);
    return detail && this.#identify().opening(detail, path, id);
  }

  contents(): KnownContents | undefined {
    return this.#identifier?.it.content.memory.tell();
  }

  health(): WatchHealth {
    return {
      sweeps: this.#sweeps,
      lastSweep: this.#lastSweep,
      sweepSeconds: this.#sweepSeconds,
      error: this.#error,
      installed: this.#inventory.health,
      execs: this.#execs.health,
      lost: this.#queue.lost,
    };
  }

  /** What is searched for is made ready now, not in the middle of a sweep: for a large policy that takes seconds. */
  #prepare(): void {
    try {
      this.#identify();
    } catch (error) {
      this.#error = describe(error); // the next sweep fails of it too, and health goes on saying so
    }
  }

  /** What was read of files stays known as long as the same strings and sizes are wanted. */
  #identify(): Identifier {
    const [{ wanted }, current] = [this.#policies(), this.#identifier];
    if (current !== undefined && (current.wanted === wanted || sameWants(current.wanted, wanted))) {
      if (current.wanted !== wanted) this.#identifier = { wanted, it: current.it };
      return current.it;
    }
    const it = new Identifier({ wanted, dpkg: this.#dpkg, others: this.#others, clock: this.#options.clock });
    if (this.#options.before !== undefined) it.content.memory.take(this.#options.before);
    this.#identifier = { wanted, it };
    return it;
  }

  async #sweepOn(): Promise<void> {
    while (!this.#signal.aborted) {
      this.#missed = false;
      this.#execs.forgetPlaces();
      try {
        const activatedAt = (): Instant => this.#policies().activatedAt;
        this.#lastSweep = await this.#processes.sweep(this.#identify(), activatedAt, this.#signal);
        this.#error = undefined;
      } catch (error) {
        this.#error = describe(error); // the next sweep tries again; health says so meanwhile
      }
      this.#sweeps += 1;
      if (this.#missed) await after(rest, undefined, { signal: this.#signal }).catch(() => undefined);
      // Who asked to look again while a sweep was going on waits no longer than where sweeps are all there is.
      else if (this.#processes.owed) await this.#pause(Math.min(this.#sweepSeconds, usualSweepSeconds(false)) * 1000);
      else await this.#pause(this.#sweepSeconds * 1000);
    }
  }

  get #sweepSeconds(): number {
    return this.#options.sweepSeconds ?? usualSweepSeconds(this.#execs.up);
  }

  /** Now, and once more after the one that is going on: it may have passed by. */
  #sweepNow(): void {
    this.#missed = true;
    this.#wake();
  }

  /** Until the time is over, `lookAgain`, or the end. */
  async #pause(milliseconds: number): Promise<void> {
    if (this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#wake = done;
      this.#signal.addEventListener("abort", done, { once: true });
    });
  }
}

function placeOf({ pid, mounts, dev, sameMounts }: ExecSeen): Place {
  return { pid, mounts, dev, ours: sameMounts };
}
