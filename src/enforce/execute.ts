import { Graces, type Grace } from "#enforce/graces.ts";
import { Seats } from "#enforce/seats.ts";
import { stopTree, type StopTimes } from "#enforce/stop.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { formatInstant, instantOf } from "#lib/pure/instant.ts";
import { Queue } from "#lib/queue.ts";
import { uuid7 } from "#lib/uuid7.ts";
import type { Platform } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome, ProcessId, Step } from "#policy/outcome.ts";
import type { Verdict } from "#policy/verdict.ts";

export interface EnforcementOptions {
  readonly platform: Pick<Platform, "hold" | "inspect" | "tree" | "isVital" | "keepTerminal" | "quarantine">;
  readonly clock: Clock;
  /** The folder that quarantined files are moved into. */
  readonly quarantine: string;
  readonly times?: Partial<StopTimes>;
}

/** One judgement that is being carried out. */
interface Job {
  readonly verdict: Verdict;
  readonly evidence: Evidence;
}
type StepOf<D extends Step["do"]> = Extract<Step, { do: D }>;
type Executors = { readonly [D in Step["do"]]: (step: StepOf<D>, job: Job) => void };
type Result = Omit<Outcome, "id" | "at" | "verdict" | "evidence">;

/** Milliseconds: after SIGTERM a tool has time to put its terminal in order; what got SIGKILL has time to go. */
const times: StopTimes = { term: 2_000, kill: 3_000 };
/** Outcomes that nobody has read; stops at once; acts that wait for their turn; judgements that are not said twice. */
const bounds = { outcomes: 10_000, atOnce: 16, waiting: 10_000, said: 20_000 } as const;

/** Carries plans out. Nothing here makes the caller wait; what came of it comes out of `outcomes`. */
export class Enforcement {
  readonly #options: EnforcementOptions;
  readonly #times: StopTimes;
  readonly #newId: () => string;
  readonly #outcomes = new Queue<Outcome>(bounds.outcomes);
  readonly #seats = new Seats(bounds.atOnce, bounds.waiting);
  readonly #graces: Graces<Job>;
  readonly #busy = new Set<string>();
  readonly #said = new Set<string>();
  /** Processes that were denied something or are being stopped, each with its ban. */
  readonly #ends = new Set<string>();
  /** What the gate let nobody run, each with who asked: one that was refused its script is stopped and not reported again. */
  readonly #denials = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: EnforcementOptions) {
    this.#options = options;
    this.#times = { ...times, ...options.times };
    this.#newId = uuid7(options.clock);
    this.#graces = new Graces(options.clock);
  }

  /** Outcomes that were lost because nobody read the others. */
  get lost(): number {
    return this.#outcomes.lost;
  }

  /** Nobody is being stopped, and nothing is being moved. Graces may still run. */
  get idle(): boolean {
    return this.#busy.size === 0;
  }

  /**
   * Returns at once. The newest judgement of a process is the one that counts: a grace that it does not confirm is dropped. Where
   * another ban stops the same process now, the deadline that its person was told stays: no new ban is a way to gain time.
   */
  start(steps: readonly Step[], verdict: Verdict, evidence: Evidence): void {
    const job = { verdict, evidence };
    let told = Infinity;
    if (evidence.process !== undefined) {
      const stop = steps.find((step) => step.do === "stop");
      const ends = (g: Grace<Job>): boolean => stop !== undefined && isSame(g, stop.process);
      const dropped = this.#graces.drop((g) => g.pid === evidence.process?.pid && !(ends(g) && g.ban === verdict.ban));
      this.#spare(dropped.filter((g) => !ends(g)));
      for (const { until } of dropped.filter(ends)) told = Math.min(told, until);
    }
    const rest = Math.max(0, told - this.#options.clock.now());
    for (const step of steps)
      this.#execute(step.do === "stop" ? { ...step, grace: Math.min(step.grace, rest) } : step, job);
  }

  /** The gate let it not start. Where the same process is being stopped already, or was, it is said once. */
  denied(verdict: Verdict, evidence: Evidence): void {
    this.#remember(this.#denials, denialKey({ verdict, evidence }));
    const key = endKey(evidence.process, verdict);
    if (key !== undefined && this.#remember(this.#ends, key)) this.#emit({ verdict, evidence }, { did: "denied" });
    else if (key === undefined) this.#emit({ verdict, evidence }, { did: "denied" });
  }

  /** Until the signal aborts. One reader. */
  outcomes(signal: AbortSignal): AsyncIterable<Outcome> {
    return this.#outcomes.read(signal);
  }

  /** Who was told and will be stopped, and whose processes those are; `until` is ISO 8601. */
  pending(): readonly {
    readonly pid: number;
    readonly uid: number | undefined;
    readonly ban: string;
    readonly until: string;
  }[] {
    return this.#graces
      .all()
      .map(({ pid, ban, until, job }) => ({ pid, ban, until: formatInstant(until), uid: job.evidence.process?.uid }));
  }

  /** Drops the graces of bans that `keep` denies: they were withdrawn, or a breaker opened them. */
  forget(keep: (ban: string) => boolean): void {
    this.#spare(this.#graces.drop((g) => !keep(g.ban)));
  }

  /** Stops nobody any more; resolves when whoever was stood still has been ended or goes on again. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#graces.drop(() => true);
    await this.#seats.close();
    this.#outcomes.close();
  }

  #execute(step: Step, job: Job): void {
    switch (step.do) {
      case "record":
        return this.#executors.record(step, job);
      case "tell":
        return this.#executors.tell(step, job);
      case "stop":
        return this.#executors.stop(step, job);
      case "quarantine":
        return this.#executors.quarantine(step, job);
    }
  }

  readonly #executors: Executors = {
    record: (_step, job) => this.#once("recorded", job) && this.#emit(job, { did: "recorded" }),
    tell: ({ unable }, job) =>
      this.#once("told", job) && this.#emit(job, { did: "told", ...(unable !== undefined && { error: unable }) }),
    stop: (step, job) => this.#stop(step, job),
    quarantine: (step, job) =>
      this.#act(`file ${step.file.path}`, job, async () => {
        const { id } = await this.#options.platform.quarantine(step.file, this.#options.quarantine);
        return { did: "quarantined", quarantine: id };
      }),
  };

  #stop({ process, grace }: StepOf<"stop">, job: Job): void {
    const { file, script } = job.evidence;
    // Looked at again at each match (law 6). A script is never vital because its interpreter is.
    if (script === undefined && file !== undefined && this.#options.platform.isVital(file))
      return this.#emit(job, { did: "spared", error: "it is a program that the machine needs" });
    const end = (): void =>
      this.#act(`process ${process.pid} ${process.start}`, job, async () => {
        const key = endKey(process, job.verdict);
        if (key !== undefined) this.#remember(this.#ends, key);
        if (job.evidence.process !== undefined) this.#options.platform.keepTerminal(job.evidence.process);
        const result = await stopTree(this.#options.platform, process, this.#times, this.#closing.signal);
        const said = result.did !== "failed" && this.#denials.has(denialKey(job));
        return said ? undefined : result;
      });
    if (grace <= 0) {
      this.#graces.drop((g) => same(g, process, job.verdict));
      return end();
    }
    const until = instantOf(this.#options.clock.now() + Math.ceil(grace));
    const wait: Grace<Job> = { ...process, ban: job.verdict.ban ?? "", until, end, job };
    const answer = this.#graces.add(wait);
    if (answer === "started") this.#emit(job, { did: "grace", until: formatInstant(until) });
    else if (answer === "full") this.#emit(job, { did: "failed", error: "too many processes have a grace at once" });
  }

  /** One act at a time for one subject; bounded in all. Without a result there is nothing to say. */
  #act(subject: string, job: Job, act: () => Promise<Result | undefined>): void {
    if (this.#busy.has(subject)) return;
    this.#busy.add(subject);
    const seated = this.#seats.take(async () => {
      try {
        const result = await act();
        if (result !== undefined) this.#emit(job, result);
      } catch (error) {
        this.#emit(job, { did: "failed", error: describe(error) });
      } finally {
        this.#busy.delete(subject);
      }
    });
    if (seated) return;
    this.#busy.delete(subject);
    this.#emit(job, { did: "failed", error: "too much is being stopped at once" });
  }

  #spare(dropped: readonly Grace<Job>[]): void {
    for (const { job } of dropped) this.#emit(job, { did: "spared", error: "it is no longer to be stopped" });
  }

  /** Whether this judgement of this process is new: a policy that changes elsewhere judges everybody again. */
  #once(did: string, { verdict, evidence }: Job): boolean {
    const { process, file } = evidence;
    if (process === undefined) return true;
    const key = [did, process.pid, process.start, file?.dev, file?.ino, verdict.ban, verdict.mode, verdict.stage].join(
      " ",
    );
    return this.#remember(this.#said, key);
  }

  /** False where it was remembered already. */
  #remember(known: Set<string>, key: string): boolean {
    if (known.has(key)) return false;
    known.add(key);
    const [oldest] = known;
    if (known.size > bounds.said && oldest !== undefined) known.delete(oldest);
    return true;
  }

  #emit({ verdict, evidence }: Job, result: Result): void {
    const at = formatInstant(this.#options.clock.now());
    this.#outcomes.push({ id: this.#newId(), at, verdict, evidence, ...result });
  }
}

function same(grace: Grace<Job>, process: ProcessId, { ban }: Verdict): boolean {
  return grace.ban === ban && isSame(grace, process);
}

function isSame(grace: Grace<Job>, process: ProcessId): boolean {
  return grace.start === process.start && grace.dev === process.dev && grace.ino === process.ino;
}

function denialKey({ verdict, evidence: { process, file, script } }: Job): string {
  return [process?.pid, process?.start, verdict.ban, file?.dev, file?.ino, script?.dev, script?.ino].join(" ");
}

function endKey(
  process: { readonly pid: number; readonly start: number } | undefined,
  { ban }: Verdict,
): string | undefined {
  return process && `${process.pid} ${process.start} ${ban}`;
}
