import { fileOf, type About } from "#agent/gate-about.ts";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { uuid7 } from "#lib/uuid7.ts";
import type { Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, type Device } from "#policy/device.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import type { Verdict } from "#policy/verdict.ts";
import type { Gate } from "#platform/gate.ts";
import type { Begin } from "#protocol/gate.ts";

/** What the agent tells, and a verdict depends on. */
type Standing = Pick<Begin, "device" | "now" | "people">;

/** Names that the agent was asked for, of uids that are in no list: bounded, as a person can have 65,536 uids (subuid(5)). */
const mostAsked = 1_000;

/** What was read becomes evidence here, and evidence a verdict: by the policy, the device, who is who, and the agent's time. */
export class GateJudge {
  readonly #matcher: Matcher;
  readonly #asker: Gate["asker"];
  readonly #newId: () => string;
  #device: Device;
  #people: ReadonlyMap<number, string>;
  readonly #asked = new Map<number, string>();
  /** The agent's time, and our own monotonic one then. */
  #time: readonly [number, number];

  constructor(matcher: Matcher, asker: Gate["asker"], { device, now, people }: Standing) {
    this.#matcher = matcher;
    this.#asker = asker;
    this.#newId = uuid7({ now: () => this.#now() });
    this.#device = deviceOf(device);
    this.#people = new Map(people);
    this.#time = [now, performance.now()];
  }

  stand({ device, now, people }: Standing): void {
    this.#device = deviceOf(device);
    this.#people = new Map(people);
    this.#asked.clear();
    this.tellTime(now);
  }

  tellTime(now: number): void {
    this.#time = [now, performance.now()];
  }

  /** Undefined where nothing that was seen is an identity of anything. */
  verdict(about: About, seen: Seen): Verdict | undefined {
    if (this.#matcher.claims(seen, this.#device.os).length === 0) return undefined;
    return this.decide(this.evidence(about, seen));
  }

  decide(evidence: Evidence): Verdict {
    return decide(this.#matcher, evidence, this.#now(), this.#device);
  }

  evidence({ pid, raw, stamp }: About, seen: Seen): Evidence {
    const asker = this.#asker(pid);
    const user = asker?.uid === undefined ? undefined : this.#nameOf(asker.uid);
    const process = asker === undefined ? undefined : { ...asker, ...(user !== undefined && { user }) };
    return this.#made({ file: fileOf(raw, stamp), ...(process !== undefined && { process }), seen });
  }

  /** Of somebody who opens a file to run it: they run the interpreter or loader already. */
  opening({ raw, stamp }: About, opener: Required<Pick<Evidence, "process" | "file">>, seen: Seen): Evidence {
    return this.#made({ ...opener, script: fileOf(raw, stamp), seen });
  }

  /** Who asks, where nobody has said what they are called. */
  stranger(pid: number): number | undefined {
    const uid = this.#asker(pid)?.uid;
    return uid === undefined || this.#nameOf(uid) !== undefined ? undefined : uid;
  }

  meet(uid: number, name: string): void {
    if (this.#asked.size >= mostAsked) this.#asked.clear();
    this.#asked.set(uid, name);
  }

  #nameOf(uid: number): string | undefined {
    return this.#people.get(uid) ?? this.#asked.get(uid);
  }

  #made(rest: Omit<Evidence, "id" | "kind" | "at">): Evidence {
    return { id: this.#newId(), kind: "exec", at: formatInstant(this.#now()), ...rest };
  }

  #now(): Instant {
    const [then, at] = this.#time;
    return instantOf(Math.floor(then + performance.now() - at));
  }
}
