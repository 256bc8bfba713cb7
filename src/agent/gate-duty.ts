import { fstatSync, lstatSync } from "node:fs";
import { base64, fileOf, type About } from "#agent/gate-about.ts";
import { Asks } from "#agent/gate-asks.ts";
import { lateWords, unreadVerdict } from "#agent/gate-unread.ts";
import type { Clock } from "#lib/clock.ts";
import { uuid7 } from "#lib/uuid7.ts";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { mayBeOwned, seenAtGate } from "#observe/at-gate.ts";
import { interpreterNamed } from "#observe/command-line.ts";
import { GateContent } from "#observe/gate-content.ts";
import { nameOf, rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import { stampOf, type Stamp } from "#observe/read-file.ts";
import { nothingRead } from "#observe/seen.ts";
import type { Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, type Device } from "#policy/device.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import { stops, type Verdict } from "#policy/verdict.ts";
import type { Answer, Entry, Finding, Gate, GateDuty, GateMarks, Pause, Question } from "#platform/gate.ts";
import type { Platform } from "#platform/platform.ts";
import { toGateSchema, type Begin, type FromGate } from "#protocol/gate.ts";

export interface DutyOptions {
  readonly gate: Pick<
    Gate,
    | "control"
    | "isOurs"
    | "believes"
    | "steady"
    | "asker"
    | "programOf"
    | "settle"
    | "unsettle"
    | "unsettleAll"
    | "markProcess"
    | "setEntries"
    | "wake"
    | "finish"
    | "waiting"
  >;
  readonly matcher: Matcher;
  readonly begin: Omit<Begin, "say" | "policy" | "catalog">;
  readonly isVital: Platform["isVital"];
  /** The system's own: it is compared with files' times, and with nothing in a policy. */
  readonly clock: Clock;
}

/** What the gate answers: made of what observe reads of an open file and what policy decides about it. */
export class Duty implements GateDuty {
  readonly #options: DutyOptions;
  readonly #content: GateContent;
  readonly #newId: () => string;
  readonly #strict: boolean;
  readonly #asks: Asks;
  readonly #counts = { asked: 0, allowed: 0, denied: 0, late: 0, overflows: 0 };
  #device: Device;
  #people: ReadonlyMap<number, string>;
  /** The agent's time, and our own monotonic one then. */
  #time: readonly [number, number];
  #entries = new Set<string>();

  constructor(options: DutyOptions) {
    this.#options = options;
    const { matcher, begin, gate } = options;
    this.#content = new GateContent(matcher.wanted, gate, options.clock);
    this.#asks = new Asks((ask) => this.#say(ask));
    this.#newId = uuid7({ now: () => this.#now() });
    this.#strict = matcher.policy.bans.some((ban) => ban.strict);
    this.#device = deviceOf(begin.device);
    this.#people = new Map(begin.people);
    this.#time = [begin.now, performance.now()];
  }

  find(question: Question): Finding {
    this.#counts.asked += 1;
    return question.what === "exec" ? this.#starting(question) : this.#opening(question);
  }

  late(question: Question, pause: Pause | "failed"): Answer {
    this.#counts.late += 1;
    const { pid, fd, what } = question;
    const why = lateWords[pause];
    const denied = this.#options.begin.failClosed && what === "exec" && fstatSync(fd).uid !== 0;
    this.#say({ say: "late", pid, path: Buffer.from(question.path).toString("utf8"), why, denied });
    if (!denied) return "allow";
    const evidence = this.#evidence(this.#look(question), nothingRead(why));
    return this.#denied(evidence, unreadVerdict(evidence.id, why));
  }

  overflowed(): void {
    this.#counts.overflows += 1;
    this.#say({ say: "overflow" });
  }

  marked(marks: GateMarks): void {
    this.#say({ say: "marks", ...marks });
  }

  hear(line: string): void {
    const message = toGateSchema.parse(JSON.parse(line));
    const { gate } = this.#options;
    this.#asks.heard();
    switch (message.say) {
      case "ping":
        this.#time = [message.now, performance.now()];
        return this.#say({
          say: "pong",
          n: message.n,
          ...this.#counts,
          unheard: gate.control.dropped,
          waiting: gate.waiting,
        });
      case "standing":
        this.#device = deviceOf(message.device);
        this.#people = new Map(message.people);
        this.#time = [message.now, performance.now()];
        return gate.unsettleAll();
      case "foreign":
        // Whoever tries it out may stand in a namespace of its own: to it, the whole machine is foreign.
        return this.#options.begin.only?.elsewhere === false ? undefined : gate.markProcess(message.pid);
      case "entries":
        this.#entries = new Set(message.entries.map(keyOf));
        return gate.setEntries(message.entries);
      case "owner":
      case "opener":
        for (const fd of this.#asks.take(message)) gate.wake(fd);
        return;
      case "finish":
        return gate.finish();
      default:
        return message satisfies never;
    }
  }

  *#starting(question: Question): Finding {
    const about = this.#look(question);
    const content = yield* this.#content.read(question.fd, about.stamp);
    let seen = seenAtGate(about.path, content);
    let verdict = this.#judged(about, seen);
    if (verdict !== undefined && stops(verdict)) return this.#deny(about, seen, verdict);

    const { path, stamp } = about;
    let owned = path !== undefined && mayBeOwned(path, this.#options.matcher.wanted);
    if (path !== undefined && owned && !this.#startedByAgent(question.pid)) {
      const reply = yield* this.#asks.put(question.fd, {
        say: "owner?",
        path: base64(path),
        dev: stamp.dev,
        ino: stamp.ino,
      });
      if (reply === undefined) return this.late(question, "agent");
      if (reply.say === "owner" && reply.seen !== undefined) {
        seen = { ...seen, ...reply.seen };
        verdict = this.#judged(about, seen);
        if (verdict !== undefined && stops(verdict)) return this.#deny(about, seen, verdict);
        owned = false;
      }
    }
    if (verdict === undefined && !owned && !("unread" in seen.marker)) this.#settle(question, about);
    return this.#allow();
  }

  /** Somebody opens an entry file of a banned tool: denied to what would run it, not to who reads it, unless the ban is strict. */
  *#opening(question: Question): Finding {
    const about = this.#look(question);
    const { dev, ino } = about.stamp;
    if (question.pid === this.#options.begin.agent || !this.#entries.has(keyOf({ dev, ino }))) return this.#allow();
    const program = this.#options.gate.programOf(question.pid);
    const runs = program !== undefined && interpreterNamed(nameOf(program)) !== undefined;
    if (!runs && !this.#strict) return this.#allow();
    const content = yield* this.#content.read(question.fd, about.stamp);
    if (this.#strict) {
      const seen = seenAtGate(about.path, content);
      const verdict = this.#judged(about, seen);
      if (verdict !== undefined && stops(verdict) && verdict.notice?.strict === true)
        return this.#deny(about, seen, verdict);
    }
    if (!runs) return this.#allow();
    const reply = yield* this.#asks.put(question.fd, {
      say: "opener?",
      pid: question.pid,
      path: base64(about.raw),
      dev,
      ino,
    });
    if (reply?.say !== "opener" || reply.opening === undefined) return this.#allow();
    const { process, file, owner } = reply.opening;
    const evidence: Evidence = {
      id: this.#newId(),
      kind: "exec",
      at: formatInstant(this.#now()),
      file,
      process,
      script: fileOf(about.raw, about.stamp),
      seen: seenAtGate(about.path, content, owner),
    };
    const verdict = decide(this.#options.matcher, evidence, this.#now(), this.#device);
    return stops(verdict) ? this.#denied(evidence, verdict) : this.#allow();
  }

  #look({ fd, pid, path }: Question): About {
    const stat = fstatSync(fd, { bigint: true });
    const stamp = stampOf(stat);
    const raw = rawFromBytes(path);
    return { pid, stat, stamp, raw, path: raw && this.#placeOf(raw, stamp) };
  }

  /** The path, where it can lead there: on our own filesystems, and looked at again where a path alone can prove something. */
  #placeOf(raw: RawPath, { dev, ino }: Stamp): RawPath | undefined {
    if (!raw.startsWith("/") || raw.endsWith(" (deleted)") || !this.#options.gate.isOurs(dev)) return undefined;
    if (!this.#options.matcher.wanted.pathProof) return raw;
    const there = lstatSync(toBytes(raw), { bigint: true, throwIfNoEntry: false });
    const now = there === undefined ? undefined : stampOf(there);
    return now?.dev === dev && now.ino === ino ? raw : undefined;
  }

  /** Undefined where nothing that was seen is an identity of anything. */
  #judged(about: About, seen: Seen): Verdict | undefined {
    const { matcher } = this.#options;
    if (matcher.claims(seen, this.#device.os).length === 0) return undefined;
    return decide(matcher, this.#evidence(about, seen), this.#now(), this.#device);
  }

  #evidence({ pid, raw, stamp }: About, seen: Seen): Evidence {
    const asker = this.#options.gate.asker(pid);
    const user = asker?.uid === undefined ? undefined : this.#people.get(asker.uid);
    const process = asker === undefined ? undefined : { ...asker, ...(user !== undefined && { user }) };
    const at = formatInstant(this.#now());
    const file = fileOf(raw, stamp);
    return { id: this.#newId(), kind: "exec", at, file, ...(process !== undefined && { process }), seen };
  }

  #deny(about: About, seen: Seen, verdict: Verdict): Answer {
    const evidence = this.#evidence(about, seen);
    if (about.stamp.owner === 0 && this.#options.isVital(fileOf(about.raw, about.stamp))) return this.#allow(); // looked at again (law 6)
    return this.#denied(evidence, { ...verdict, evidence: [evidence.id] });
  }

  #denied(evidence: Evidence, verdict: Verdict): Answer {
    this.#counts.denied += 1;
    this.#say({ say: "denied", evidence, verdict });
    return "deny";
  }

  #allow(): Answer {
    this.#counts.allowed += 1;
    return "allow";
  }

  /**
   * Asked no more, where the verdict rests on content and ownership alone and only root can change either. Stamped before it was
   * read and again after it is settled: from then on the kernel forgets it at the first write(2).
   */
  #settle({ fd }: Question, { stat, stamp }: About): void {
    const { gate, matcher } = this.#options;
    const onlyRoot = stat.uid === 0n && (stat.mode & 0o022n) === 0n && stat.nlink === 1n;
    if (!onlyRoot || matcher.wanted.pathProof || !gate.isOurs(stamp.dev)) return;
    gate.settle(fd);
    if (stampOf(fstatSync(fd, { bigint: true })).key !== stamp.key) gate.unsettle(fd);
  }

  #startedByAgent(pid: number): boolean {
    const { agent } = this.#options.begin;
    return pid === agent || this.#options.gate.asker(pid)?.ppid === agent;
  }

  #now(): Instant {
    const [then, at] = this.#time;
    return instantOf(Math.floor(then + performance.now() - at));
  }

  #say(message: FromGate): void {
    this.#options.gate.control.say(JSON.stringify(message));
  }
}

function keyOf({ dev, ino }: Pick<Entry, "dev" | "ino">): string {
  return `${dev} ${ino}`;
}
