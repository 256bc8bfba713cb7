import { deadlines, type Answer, type Finding, type GateDuty, type Pause, type Question } from "#platform/gate.ts";

/** Milliseconds for those that are being read, before new questions have their turn. */
const share = 4;

interface Held {
  readonly question: Question;
  readonly finding: Finding;
  pause: Pause;
  /** When it is late, on the monotonic clock. */
  due: number;
}

export interface QuestionsOptions {
  /**
   * Large files that are read at once. One past them is given up at once: seats are somebody's processes, and whoever takes all
   * of them must not keep anybody else's program waiting.
   */
  readonly seats: number;
  readonly answer: (question: Question, answer: Answer) => void;
  /** Called before each step of work: at most a millisecond of it, but there may be thousands. */
  readonly live: () => void;
}

/** Questions whose answers are being found: out of order, each within its deadline. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #held = new Map<number, Held>();
  /** What these waited for has come: nothing but an answer is left to give. */
  #woken: Held[] = [];
  /** When the first of them may be late. */
  #next = Infinity;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Takes the first step, which answers most. */
  begin(question: Question, duty: GateDuty): void {
    this.#step({ question, finding: duty.find(question), pause: "bytes", due: Infinity }, duty);
  }

  /** What one waited for has come: it is taken up again at the next turn. */
  wake(fd: number): void {
    const held = this.#held.get(fd);
    if (held?.pause === "agent") this.#woken.push(held);
  }

  /** Milliseconds until there is something to do here. */
  rest(): number {
    if (this.#woken.length > 0) return 0;
    for (const { pause } of this.#held.values()) if (pause === "bytes") return 0;
    return Math.max(0, Math.ceil(this.#next - performance.now()));
  }

  /**
   * First those that were woken, all of them: they were asked longest ago, and must not be late because others read. Then a step of
   * each that reads, in turn, for a while: however many large files, a new question is soon begun.
   */
  work(duty: GateDuty): void {
    const woken = this.#woken;
    this.#woken = [];
    for (const held of woken) if (this.#held.get(held.question.fd) === held) this.#step(held, duty);
    const end = performance.now() + share;
    let left = this.#held.size;
    for (const held of this.#held.values()) {
      if (held.pause === "bytes") this.#step(held, duty);
      left -= 1;
      if (left === 0 || performance.now() > end) return; // those that go on stand at the end now
    }
  }

  /** Gives up those whose time is over. */
  expire(duty: GateDuty): void {
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = Infinity;
    for (const { question, finding, pause, due } of this.#held.values()) {
      if (due > now) this.#next = Math.min(this.#next, due);
      else {
        this.#giveUp(question, finding, duty, pause);
      }
    }
  }

  #giveUp(question: Question, finding: Finding, duty: GateDuty, why: Pause | "failed"): void {
    let answer: Answer = "allow";
    try {
      finding.return("allow"); // so that it lets go of what it holds; the answer is what its duty says
      answer = duty.late(question, why);
    } catch {
      // A fault of ours, twice: nobody waits for it.
    }
    this.#answer(question, answer);
  }

  #step(held: Held, duty: GateDuty): void {
    this.#options.live();
    const { question, finding } = held;
    let step: IteratorResult<Pause, Answer>;
    try {
      step = finding.next();
    } catch {
      return this.#giveUp(question, finding, duty, "failed");
    }
    if (step.done === true) return this.#answer(question, step.value);
    const isNew = held.due === Infinity;
    if (isNew && step.value === "bytes" && this.#reading >= this.#options.seats)
      return this.#giveUp(question, finding, duty, "bytes");
    held.due = step.value === "agent" ? performance.now() + deadlines.agent : question.since + deadlines.bytes;
    held.pause = step.value;
    this.#held.delete(question.fd);
    this.#held.set(question.fd, held);
    this.#next = Math.min(this.#next, held.due);
  }

  /** Those that are being read. */
  get #reading(): number {
    return this.#held.values().reduce((sum, { pause }) => sum + (pause === "bytes" ? 1 : 0), 0);
  }

  #answer(question: Question, answer: Answer): void {
    this.#held.delete(question.fd);
    this.#options.answer(question, answer);
  }
}
