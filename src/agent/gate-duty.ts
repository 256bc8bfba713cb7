import { fstatSync } from "node:fs";
import { base64, denialOf, fileOf, look, type About } from "#agent/gate-about.ts";
import { Asks } from "#agent/gate-asks.ts";
import { GateJudge } from "#agent/gate-judge.ts";
import { lateWords, unreadVerdict } from "#agent/gate-unread.ts";
import type { Clock } from "#lib/clock.ts";
import { mayBeOwned, notAsked, seenAtGate } from "#observe/at-gate.ts";
import { interpreterNamed } from "#observe/command-line.ts";
import { GateContent } from "#observe/gate-content.ts";
import { nameOf } from "#observe/raw-path.ts";
import { stampOf } from "#observe/read-file.ts";
import { nothingRead } from "#observe/seen.ts";
import type { Matcher } from "#policy/compile.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import { stops, type Verdict } from "#policy/verdict.ts";
import type { Answer, FileId, Finding, Gate, GateDuty, GateMarks, Pause, Question } from "#platform/gate.ts";
import type { Platform } from "#platform/platform.ts";
import { toGateSchema, type Briefing, type FromGate } from "#protocol/gate.ts";

export interface DutyOptions {
  readonly gate: Omit<Gate, "serve" | "mark">;
  readonly matcher: Matcher;
  readonly begin: Briefing;
  readonly isVital: Platform["isVital"];
  /** The system's own: it is compared with files' times, and with nothing in a policy. */
  readonly clock: Clock;
}

/** What the gate answers: who is asked for what, and what becomes of it. What is judged, GateJudge judges. */
export class Duty implements GateDuty {
  readonly #options: DutyOptions;
  readonly #content: GateContent;
  readonly #judge: GateJudge;
  readonly #strict: boolean;
  readonly #asks: Asks;
  readonly #counts = { asked: 0, allowed: 0, denied: 0, late: 0, overflows: 0 };
  /** Files whose opening is asked about. */
  readonly #entries = new Set<string>();
  /** Devices that gates stood still on. Some have more filesystems than they have mounts (btrfs), so each file is looked at too. */
  #leave: ReadonlySet<string>;

  constructor(options: DutyOptions) {
    this.#options = options;
    const { matcher, begin, gate } = options;
    this.#content = new GateContent(matcher.wanted, gate, options.clock);
    this.#judge = new GateJudge(matcher, (pid) => gate.asker(pid), begin);
    this.#asks = new Asks((ask) => this.#say(ask));
    this.#leave = new Set(begin.leave);
    this.#strict = matcher.policy.bans.some((ban) => ban.strict);
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
    const evidence = this.#judge.evidence(this.#look(question), nothingRead(why));
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
    const { gate, begin } = this.#options;
    this.#asks.heard();
    switch (message.say) {
      case "ping": {
        this.#judge.tellTime(message.now);
        const { waiting, control } = gate;
        return this.#say({ say: "pong", n: message.n, ...this.#counts, waiting, unheard: control.dropped });
      }
      case "standing":
        this.#judge.stand(message);
        return gate.unsettleAll();
      case "foreign":
        // Whoever tries it out may stand in a namespace of its own: to it, the whole machine is foreign.
        return begin.only?.elsewhere === false ? undefined : gate.markProcess(message.pid, message.dev);
      case "leave":
        this.#leave = new Set(message.devices);
        return this.marked(gate.leave(message.devices));
      case "entries":
        for (const entry of message.entries) this.#entries.add(keyOf(entry));
        return gate.addEntries(message.entries);
      case "owner":
      case "opener":
      case "person":
        for (const fd of this.#asks.take(message)) gate.wake(fd);
        return;
      case "finish":
        return gate.finish();
      default:
        return message satisfies never;
    }
  }

  *#starting(question: Question): Finding {
    if (this.#isLeft(question)) return this.#allow();
    const about = this.#look(question);
    const content = yield* this.#content.read(question.fd, about.stamp);
    const { path, stamp } = about;
    let owned = path !== undefined && mayBeOwned(path, this.#options.matcher.wanted);
    let seen = seenAtGate(path, content, owned ? undefined : notAsked);
    let verdict = this.#judge.verdict(about, seen);
    if (verdict !== undefined && stops(verdict)) return yield* this.#deny(question, about, seen, verdict);

    if (path !== undefined && owned && !this.#startedByAgent(question.pid)) {
      const { dev, ino } = stamp;
      const reply = yield* this.#asks.put(question.fd, { say: "owner?", path: base64(path), dev, ino });
      if (reply === undefined) return this.late(question, "agent");
      if (reply.say === "owner") {
        seen = seenAtGate(path, content, reply.seen ?? notAsked);
        verdict = this.#judge.verdict(about, seen);
        if (verdict !== undefined && stops(verdict)) return yield* this.#deny(question, about, seen, verdict);
        owned = reply.seen === undefined;
      }
    }
    if (verdict === undefined && !owned && !("unread" in seen.marker)) this.#settle(question, about);
    return this.#allow();
  }

  /** Somebody opens an entry file of a banned tool: denied to what would run it, not to who reads it, unless the ban is strict. */
  *#opening(question: Question): Finding {
    const { pid, fd } = question;
    if (this.#isLeft(question)) return this.#allow();
    const about = this.#look(question);
    const { dev, ino } = about.stamp;
    if (pid === this.#options.begin.agent || !this.#entries.has(keyOf({ dev, ino }))) return this.#allow();
    const program = this.#options.gate.programOf(pid);
    const runs = program !== undefined && interpreterNamed(nameOf(program)) !== undefined;
    if (!runs && !this.#strict) return this.#allow();
    const content = yield* this.#content.read(fd, about.stamp);
    if (this.#strict) {
      const seen = seenAtGate(about.path, content);
      const verdict = this.#judge.verdict(about, seen);
      if (verdict !== undefined && stops(verdict) && verdict.notice?.strict === true)
        return yield* this.#deny(question, about, seen, verdict);
    }
    if (!runs) return this.#allow();
    const reply = yield* this.#asks.put(fd, { say: "opener?", pid, path: base64(about.raw), dev, ino });
    if (reply?.say !== "opener" || reply.opening === undefined) return this.#allow();
    const { process, file, owner } = reply.opening;
    const evidence = this.#judge.opening(about, { process, file }, seenAtGate(about.path, content, owner));
    const verdict = this.#judge.decide(evidence);
    return stops(verdict) && !this.#isNeeded(about) ? this.#denied(evidence, verdict) : this.#allow();
  }

  #isLeft({ fd }: Question): boolean {
    return this.#leave.size > 0 && this.#leave.has(stampOf(fstatSync(fd, { bigint: true })).dev);
  }

  #look(question: Question): About {
    return look(question, this.#options.gate, this.#options.matcher.wanted.pathProof);
  }

  /** Not yet the last word: the machine may need it after all (law 6), and whoever asks may have an exception. */
  *#deny(question: Question, about: About, seen: Seen, first: Verdict): Finding {
    if (this.#isNeeded(about)) return this.#allow();
    let verdict: Verdict | undefined = first;
    const stranger = this.#judge.stranger(question.pid);
    if (stranger !== undefined && !this.#startedByAgent(question.pid)) {
      const reply = yield* this.#asks.put(question.fd, { say: "person?", uid: stranger });
      if (reply?.say !== "person" || reply.name === undefined) return this.late(question, "agent");
      this.#judge.meet(stranger, reply.name);
      verdict = this.#judge.verdict(about, seen);
    }
    if (verdict === undefined || !stops(verdict)) return this.#allow();
    const evidence = this.#judge.evidence(about, seen);
    return this.#denied(evidence, { ...verdict, evidence: [evidence.id] });
  }

  /** Looked at again (law 6): an upgrade a moment ago has given vital programs new inodes. */
  #isNeeded({ raw, stamp }: About): boolean {
    return stamp.owner === 0 && this.#options.isVital(fileOf(raw, stamp));
  }

  #denied(evidence: Evidence, verdict: Verdict): Answer {
    this.#counts.denied += 1;
    this.#say({ say: "denied", ...denialOf(evidence, verdict) });
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

  /** It waits in spawn(2) for its child to begin, and answers nothing meanwhile. */
  #startedByAgent(pid: number): boolean {
    const { agent } = this.#options.begin;
    return pid === agent || this.#options.gate.asker(pid)?.ppid === agent;
  }

  #say(message: FromGate): void {
    this.#options.gate.control.say(JSON.stringify(message));
  }
}

function keyOf({ dev, ino }: FileId): string {
  return `${dev} ${ino}`;
}
