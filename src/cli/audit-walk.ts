import { EventEmitter, on } from "node:events";
import { startWalkThread, type FromWalker, type WalkThread } from "#cli/audit-walker.ts";
import type { Walk } from "#observe/walk.ts";
import type { Branch, Tour, WalkPart } from "#observe/tour.ts";

/** Parts that a thread is asked for ahead of whoever reads them: where many programs lie together, it must not wait for them to be read. */
const partsAhead = 64;
/** What tells that a disk is waited for: milliseconds of walking, and blocks of 512 bytes that were read meanwhile. */
const [enoughTime, enoughBlocks] = [100, 1_000] as const;
/** Threads that walk then: a disk answers several questions at once. In memory each would take a core from what looks at programs. */
const onDisk = 4;

/** Walks in threads. */
export interface Walking {
  /** For one tour. Rejects where a thread ends. */
  readonly walk: Walk;
  close(): Promise<void>;
}

/** Starts threads, one at first: reading a million names takes a core, and so does looking at what they are. */
export function startWalk(count = 1): Walking {
  const threads = Array.from({ length: count }, startWalkThread);
  return {
    walk: async function* (tour, signal) {
      try {
        yield* new Team(threads, tour).parts(signal);
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
    close: async () => void (await Promise.all(threads.map((thread) => thread.close()))),
  };
}

type Said = [thread: WalkThread, message: FromWalker];

/** Threads that walk together: whoever is idle gets some of what waits at another. */
class Team {
  readonly #threads: WalkThread[];
  readonly #tour: Tour;
  readonly #said = new EventEmitter<{ said: Said; error: [unknown] }>();
  readonly #idle = new Set<WalkThread>();
  /** Those who were asked what they can spare. */
  readonly #asked = new Set<WalkThread>();
  readonly #times = { took: 0, worked: 0 };
  readonly #blocks = blocksRead();

  constructor(threads: WalkThread[], tour: Tour) {
    this.#threads = threads;
    this.#tour = tour;
  }

  /** @throws AbortError; whatever ended a thread */
  async *parts(signal?: AbortSignal): AsyncGenerator<WalkPart> {
    const heard = on(this.#said, "said", signal && { signal });
    for (const thread of this.#threads) this.#join(thread, thread === this.#threads[0] ? this.#tour.starts : []);
    for await (const [thread, message] of heard) {
      if (message.say === "part") {
        yield message.part;
        this.#gave(thread, message);
      } else if (message.say === "spare") this.#share(thread, message.branches);
      else this.#idle.add(thread);
      if (this.#idle.size === this.#threads.length && this.#asked.size === 0) return;
    }
  }

  #join(thread: WalkThread, starts: Tour["starts"]): void {
    thread.hear(
      (message) => void this.#said.emit("said", thread, message),
      (why) => this.#said.listenerCount("error") > 0 && this.#said.emit("error", why),
    );
    thread.tell({ tell: "tour", tour: { ...this.#tour, starts } });
    thread.tell({ tell: "more", parts: partsAhead });
  }

  #gave(thread: WalkThread, { took, worked }: Extract<FromWalker, { readonly say: "part" }>): void {
    thread.tell({ tell: "more", parts: 1 });
    this.#times.took += took;
    this.#times.worked += worked;
    if (this.#threads.length === 1 && this.#isDiskWaitedFor) this.#getCompany();
    if (this.#idle.size === 0 || this.#idle.has(thread) || this.#asked.has(thread)) return;
    this.#asked.add(thread);
    thread.tell({ tell: "spare" });
  }

  get #isDiskWaitedFor(): boolean {
    const { took, worked } = this.#times;
    return took >= enoughTime && worked < took / 2 && blocksRead() - this.#blocks >= enoughBlocks;
  }

  #getCompany(): void {
    for (let count = 1; count < onDisk; count += 1) {
      const thread = startWalkThread();
      this.#threads.push(thread);
      this.#join(thread, []);
    }
  }

  #share(from: WalkThread, branches: readonly Branch[]): void {
    this.#asked.delete(from);
    if (branches.length === 0) return;
    const [to = from] = this.#idle;
    this.#idle.delete(to);
    to.tell({ tell: "branches", branches });
  }
}

/** Of this process so far, from a disk (getrusage(2)). */
function blocksRead(): number {
  return process.resourceUsage().fsRead;
}
