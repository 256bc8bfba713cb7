import { describe } from "#lib/errors.ts";
import type { Given } from "#observe/given.ts";
import type { Identifier } from "#observe/identify.ts";
import { Settled } from "#observe/settled.ts";
import {
  PlatformError,
  type ExecBatch,
  type ExecSeen,
  type ExecStream,
  type Platform,
  type ProcessDetail,
} from "#platform/platform.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";

/** Programs looked at closely at the same time; one that is large and new delays those that wait for it only. */
const together = 8;
/** Starts that wait to be looked at closely. Past that a sweep has to find them. */
const mostWaiting = 10_000;
/** Mount namespaces and devices that were told of. */
const mostPlaces = 10_000;

/** How well the exec stream works. */
export interface ExecHealth {
  /** Starts that were told of, and how many of them were gone before they could be read. */
  readonly told: number;
  readonly vanished: number;
  /** How often some were lost, for want of room, and a sweep had to look instead. */
  readonly lost: number;
  /** Why the stream has ended by itself. */
  readonly broken: string | undefined;
}

interface Options {
  readonly platform: Platform;
  readonly identifier: () => Identifier;
  /** Whether the policy in force asks for anything in it; another function for another policy. */
  readonly matters: () => (seen: Seen) => boolean;
  readonly given: Given;
  readonly give: (evidence: Evidence) => void;
  /** Some starts were not seen: look at everything. */
  readonly onLost: () => void;
  /** The first start in a mount namespace, or from a device, since it was last forgotten which there are. */
  readonly onPlace: ((seen: ExecSeen) => void) | undefined;
}

/**
 * Looks at programs as they begin. Most are settled by a map look-up; the others are identified as a sweep would, with the
 * arguments that they had at exec.
 */
export class ExecWatch {
  readonly #options: Options;
  readonly #stream: ExecStream | undefined;
  readonly #waiting: Waiting[] = [];
  /** By what is being learned: who waits for the answer. */
  readonly #learning = new Map<string, ExecSeen[]>();
  readonly #places = new Set<string>();
  #settled:
    | { readonly matters: (seen: Seen) => boolean; readonly identifier: Identifier; readonly it: Settled }
    | undefined;
  #held = 0;
  #working = 0;
  #execs = 0;
  #vanished = 0;
  #lost = 0;
  #error: string | undefined;

  constructor(options: Options) {
    this.#options = options;
    try {
      this.#stream = options.platform.execs(
        (batch) => this.#told(batch),
        (glimpse) => this.#memory().knows(glimpse),
      );
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.#error = describe(error);
    }
  }

  /** Whether every start is told of. */
  get up(): boolean {
    return this.#stream !== undefined && this.#stream.broken === undefined;
  }

  /** Undefined where there is no stream here. */
  get health(): ExecHealth | undefined {
    if (this.#stream === undefined && this.#error === undefined) return undefined;
    const broken = this.#stream?.broken ?? this.#error;
    return { told: this.#execs, vanished: this.#vanished, lost: this.#lost, broken };
  }

  /** The numbers of namespaces and devices are given again: what was told of is told again. */
  forgetPlaces(): void {
    this.#places.clear();
  }

  /** Looks at one process now. Resolves when what it is was given, unless it had been, or when it is gone. */
  async lookAt(pid: number): Promise<void> {
    await this.#inspect(pid, undefined);
  }

  close(): void {
    this.#stream?.close();
  }

  #told({ seen, known, vanished, lost }: ExecBatch): void {
    this.#execs += seen.length + known + vanished;
    this.#vanished += vanished;
    if (lost) this.#miss();
    for (const one of seen) {
      this.#place(one);
      this.#judge(one);
    }
  }

  #miss(): void {
    this.#lost += 1;
    this.#options.onLost();
  }

  #place(seen: ExecSeen): void {
    const { onPlace } = this.#options;
    const place = `${seen.mounts} ${seen.dev}`;
    if (onPlace === undefined || this.#places.has(place)) return;
    if (this.#places.size >= mostPlaces) this.#places.clear();
    this.#places.add(place);
    onPlace(seen);
  }

  /** What is settled holds for one policy and one way of reading. */
  #memory(): Settled {
    const [matters, identifier] = [this.#options.matters(), this.#options.identifier()];
    const now = this.#settled;
    if (now?.matters === matters && now.identifier === identifier) return now.it;
    const it = new Settled(matters);
    this.#settled = { matters, identifier, it };
    return it;
  }

  #judge(seen: ExecSeen): void {
    const answer = this.#memory().ask(seen, () => this.#stream?.folderOf(seen.pid));
    if (answer.what !== "settled" || answer.keep) this.#stream?.keepArguments(seen);
    if (answer.what === "settled") return;
    if (this.#held >= mostWaiting) return this.#miss();
    this.#held += 1;
    const key = answer.what === "unknown" ? answer.key : undefined;
    const learning = key === undefined ? undefined : this.#learning.get(key);
    if (learning !== undefined) return void learning.push(seen);
    if (key !== undefined) this.#learning.set(key, []);
    this.#waiting.push({ seen, key });
    this.#work();
  }

  #work(): void {
    while (this.#working < together) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#working += 1;
      void this.#closely(next).finally(() => {
        this.#working -= 1;
        this.#work();
      });
    }
  }

  async #closely({ seen, key }: Waiting): Promise<void> {
    try {
      await this.#inspect(seen.pid, seen);
    } catch (error) {
      this.#error = describe(error); // a fault of ours with one program must not end the watch over the others
      this.#miss();
    }
    const others = key === undefined ? [] : (this.#learning.get(key) ?? []);
    if (key !== undefined) this.#learning.delete(key);
    this.#held -= 1 + others.length;
    for (const other of others) this.#judge(other);
  }

  /** `seen`: how it began, where it is known to have. */
  async #inspect(pid: number, seen: ExecSeen | undefined): Promise<void> {
    const { platform, given, give, matters } = this.#options;
    const memory = this.#memory();
    const detail = await this.#detail(platform, pid);
    if (detail === "denied") return; // sweeps count those
    if (detail === undefined) {
      if (seen !== undefined) this.#vanished += 1;
      return;
    }
    const looked = await this.#options.identifier().look(detail, "exec");
    if (seen !== undefined) memory.learn(seen, looked);
    const { evidence } = looked;
    const asks = matters();
    const matter = asks(evidence.seen) || (evidence.interpreter !== undefined && asks(evidence.interpreter));
    if (matter && !given.again(evidence)) give(evidence);
  }

  async #detail(platform: Platform, pid: number): Promise<ProcessDetail | "denied" | undefined> {
    try {
      return await platform.inspect(pid);
    } catch (error) {
      if (error instanceof PlatformError) return "denied";
      throw error;
    }
  }
}

interface Waiting {
  readonly seen: ExecSeen;
  /** What is learned by looking at it. */
  readonly key: string | undefined;
}
