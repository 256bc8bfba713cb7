import { systemCode } from "#lib/errors.ts";
import type { Held, Platform, TreeProcess } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import type { ProcessId } from "#policy/outcome.ts";

/** What of the platform a tree is stopped with. */
export type TreeTools = Pick<Platform, "hold" | "inspect" | "tree" | "isVital">;

/** Whose processes belong to the tool: what has another user or session has left it. */
export interface Family {
  readonly uid: number | undefined;
  readonly session: number | undefined;
  /** Never signalled, whatever they are: ourselves. */
  readonly never: ReadonlySet<number>;
}

/** Looks at most this often, and holds at most this many: a tree that grows faster is ended as far as it was seen. */
const bounds = { looks: 64, processes: 2048 } as const;

const keyOf = (id: ProcessId): string => `${id.pid}:${id.start}:${id.dev}:${id.ino}`;

/**
 * A tree that is made to stand still, so that it can be ended without a child slipping away: each member gets SIGSTOP as
 * it is found, and the walk goes on until a look finds nobody new. Close it in any case.
 */
export class Frozen {
  readonly #tools: TreeTools;
  readonly #family: Family;
  readonly #held = new Map<string, Held>();
  readonly #left = new Map<string, number>();

  constructor(tools: TreeTools, family: Family) {
    this.#tools = tools;
    this.#family = family;
  }

  /** In the order in which they were found: parents before children. */
  get held(): readonly Held[] {
    return [...this.#held.values()];
  }

  /** Pids of descendants that are let alone: another user's, another session's, or vital. */
  get left(): readonly number[] {
    const held = new Set(this.held.map(({ id }) => id.pid)); // a fork of a shell is one until it execs
    return [...new Set(this.#left.values())].filter((pid) => !held.has(pid));
  }

  /** Descendants of `pid` that would be stopped; nobody is signalled. */
  async look(pid: number): Promise<readonly ProcessId[]> {
    const found: ProcessId[] = [];
    for (const member of await this.#tools.tree(pid)) if (await this.#belongs(member)) found.push(member.id);
    return found;
  }

  /** Stops these, and all their descendants, until nobody new is found. */
  async freeze(roots: readonly ProcessId[]): Promise<void> {
    for (const root of roots) this.#stop(root);
    for (let look = 0; look < bounds.looks; look += 1) {
      let grew = false;
      for (const root of roots) for (const id of await this.look(root.pid)) grew = this.#stop(id) || grew;
      if (!grew) return;
    }
  }

  /** Lets everybody go on, and forgets them. */
  thaw(): void {
    for (const held of this.held.toReversed()) held.signal("CONT");
    this.close();
  }

  close(): void {
    for (const held of this.held) held.close();
    this.#held.clear();
  }

  #stop(id: ProcessId): boolean {
    const key = keyOf(id);
    if (this.#held.has(key) || this.#held.size >= bounds.processes) return false;
    const held = this.#tools.hold(id);
    const answer = held?.signal("STOP");
    if (held !== undefined && answer === "sent") {
      this.#held.set(key, held);
      return true;
    }
    held?.close();
    if (answer === "refused") this.#left.set(key, id.pid);
    return false;
  }

  async #belongs(member: TreeProcess): Promise<boolean> {
    const { id, uid, session } = member;
    const key = keyOf(id);
    if (this.#held.has(key)) return true;
    if (this.#left.has(key)) return false;
    const family = this.#family;
    if (uid === family.uid && session === family.session && !family.never.has(id.pid)) {
      const program = await this.#program(id);
      if (program === "gone") return false;
      if (program !== "unreadable" && !this.#tools.isVital(program)) return true;
    }
    this.#left.set(key, id.pid);
    return false;
  }

  /** "gone" also when it is another program by now: the next look sees that one. */
  async #program(id: ProcessId): Promise<FileSeen | "gone" | "unreadable"> {
    try {
      const program = (await this.#tools.inspect(id.pid))?.program;
      return program !== undefined && program.dev === id.dev && program.ino === id.ino ? program : "gone";
    } catch (error) {
      if (systemCode(error) === "denied") return "unreadable";
      throw error;
    }
  }
}
