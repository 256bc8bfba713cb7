import { createHash } from "node:crypto";
import type { Config } from "#agent/config.ts";
import type { State } from "#agent/state.ts";
import { formatInstant, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Platform, VitalFile } from "#platform/platform.ts";
import type { Device } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Membership } from "#policy/members.ts";
import type { Verdict } from "#policy/verdict.ts";

/** Findings remembered, so that an inventory is reported when it changes and not each day. */
const remembered = 10_000;

/** This workstation, as the decision sees it: who it is, what was ever installed, what may not be touched. */
export class ThisDevice {
  readonly #state: State;
  readonly #fixed: Pick<Device, "id" | "os" | "person" | "enforcement">;
  #membership: Membership;
  #vital: ReadonlySet<string>;
  #breakers: ReadonlySet<string> = new Set();
  #device: Device;
  #changed: () => void = () => undefined;

  constructor(options: {
    id: string;
    platform: Platform;
    config: Config;
    state: State;
    person: string;
    vital: readonly VitalFile[];
  }) {
    const { id, platform, config, state, person, vital } = options;
    this.#state = state;
    this.#fixed = { id, os: platform.os, person, enforcement: config.enforcement };
    this.#membership = { groups: [], claimed: config.groups };
    this.#vital = new Set(vital.map((file) => `${file.dev}:${file.ino}`));
    this.#device = this.#build();
  }

  current(): Device {
    return this.#device;
  }

  /** Called after each change of anything that a verdict depends on. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Upgrades give vital programs new inodes: the list is made again from time to time. */
  setVital(files: readonly VitalFile[]): void {
    this.#vital = new Set(files.map((file) => `${file.dev}:${file.ino}`));
    this.#rebuild();
  }

  /** Something signed says which groups it is in, and what it only claims. */
  belongs(membership: Membership): void {
    this.#membership = membership;
    this.#rebuild();
  }

  /** Breakers stay open until the next policy, restarts included. */
  policyChanged(policy: string): void {
    const known = this.#state.read().breakers;
    const bans = known.policy === policy ? known.bans : [];
    this.#state.write({ breakers: { policy, bans } });
    this.#breakers = new Set(bans);
    this.#rebuild();
  }

  setBreakers(open: ReadonlySet<string>): void {
    if ([...open].every((ban) => this.#breakers.has(ban))) return;
    this.#breakers = new Set([...this.#breakers, ...open]);
    this.#state.write({ breakers: { policy: this.#state.read().breakers.policy, bans: [...this.#breakers] } });
    this.#rebuild();
  }

  /** Tools that were proven to be here. */
  present(tools: readonly string[]): void {
    const { installed } = this.#state.read();
    const fresh = tools.filter((tool) => !installed.includes(tool));
    if (fresh.length === 0) return;
    this.#state.write({ installed: [...installed, ...fresh] });
    this.#rebuild();
  }

  /** A person read the warning and goes on until then. */
  acknowledge(ban: string, person: string, until: Instant, now: Instant): void {
    const kept = this.#state
      .read()
      .acknowledged.filter((a) => parseInstant(a.until) > now && !(a.ban === ban && a.person === person));
    this.#state.write({ acknowledged: [...kept, { ban, person, until: formatInstant(until) }] });
    this.#rebuild();
  }

  /**
   * Whether this installed finding says something that was not reported yet; it is remembered as reported. What concerns no ban
   * is no finding: it is neither remembered nor written down.
   */
  isNews(evidence: Evidence, verdict: Verdict): boolean {
    const place = placeOf(evidence);
    const said = createHash("sha256")
      .update(JSON.stringify([verdict.mode, verdict.ban, verdict.tool, verdict.grade, evidence.seen.package]))
      .digest("base64url")
      .slice(0, 16);
    const { reported } = this.#state.read();
    if (reported[place] === said || (verdict.ban === null && reported[place] === undefined)) return false;
    const kept = Object.entries(reported).slice(-remembered + 1);
    this.#state.write({ reported: { ...Object.fromEntries(kept), [place]: said } });
    return true;
  }

  #rebuild(): void {
    this.#device = this.#build();
    this.#changed();
  }

  #build(): Device {
    const { installed, acknowledged } = this.#state.read();
    return {
      ...this.#fixed,
      groups: this.#membership.groups,
      claimed: this.#membership.claimed,
      installed: new Set(installed),
      vital: this.#vital,
      breakers: this.#breakers,
      acknowledged,
    };
  }
}

/** A package and each of its files are one thing for one owner; what has no package is its path. */
function placeOf({ file, seen, id }: Evidence): string {
  if (!("value" in seen.package)) return file?.path ?? id;
  return [file?.owner, ...seen.package.value.map((p) => `${p.ecosystem}:${p.id}`).toSorted()].join(" ");
}
