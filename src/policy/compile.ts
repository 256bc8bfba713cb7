import { instantOf, parseDuration, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { policyBounds, type Ban, type Exception, type Policy } from "#policy/ban.ts";
import type { Needle, Seen } from "#policy/evidence.ts";
import { TimedBan, type Claim, type Target } from "#policy/claim.ts";
import { lead } from "#policy/granted.ts";
import { IdentityIndex, needleKey } from "#policy/identity-index.ts";
import { noticeOf } from "#policy/notice.ts";
import { PolicyError } from "#policy/parse.ts";
import type { Os } from "#policy/text.ts";
import { gradeOf, type Catalog, type Tool } from "#policy/tool.ts";
import type { Notice } from "#policy/verdict.ts";

/** What must be read of a file so that it can be decided; everything else would be read for nothing. */
export interface Wanted {
  /** Sizes in bytes of files worth hashing. */
  readonly sizes: ReadonlySet<number>;
  /** Every marker string, and every one that must be absent, once. */
  readonly needles: readonly Needle[];
  readonly configs: readonly { readonly path: string; readonly os?: Os | readonly Os[] | undefined }[];
  /** Whether a path alone can prove a tool here: then a verdict depends on more than the file. */
  readonly pathProof: boolean;
  /** Ecosystems of every package identity: no other package's owner need be looked for. */
  readonly ecosystems: ReadonlySet<string>;
  /** Whether there is any extension identity. */
  readonly extensions: boolean;
  /** Teams and subjects of certificates that signer identities name, for every system: a file says itself for which it is signed. */
  readonly signers: ReadonlySet<string>;
}

/** Globs that cannot be looked up are tried one after the other, for every path: only so many. */
const maxLooseGlobs = 1000;

/** A policy made ready: frozen, swapped whole, the same answers for ever. */
export class Matcher {
  readonly policy: Policy;
  readonly wanted: Wanted;
  readonly #bans = new Map<string, Ban>();
  readonly #tools = new Map<string, Tool>();
  /** By ban, and then by whose they are. */
  readonly #exceptions = new Map<string, Map<string, Exception[]>>();
  /** Milliseconds of every instant the policy writes; most bans share a few. */
  readonly #times = new Map<string, number>();
  /** Every moment at which an answer can change, sorted. */
  readonly #changes: Float64Array;
  readonly #index: IdentityIndex;

  constructor(policy: Policy, catalog: Catalog) {
    this.policy = policy;
    for (const tool of catalog.tools) this.#tools.set(tool.id, tool);
    for (const tool of policy.tools) this.#tools.set(tool.id, tool);
    const changes = new Set<number>();
    const makeNotice = (ban: Ban): Notice => noticeOf(ban, policy.limits, (id) => this.#tools.get(id));
    const timed = new Map<string, TimedBan[]>();
    for (const ban of policy.bans) {
      this.#bans.set(ban.id, ban);
      const from = ban.stages.map((stage) => this.#read(stage.from));
      for (const time of from) changes.add(time);
      push(timed, ban.tool, new TimedBan(ban, from, makeNotice));
    }
    for (const exception of policy.exceptions) {
      this.#addException(exception);
      changes.add(this.exceptionEnd(exception));
      if (exception.by !== undefined) changes.add(this.exceptionBegin(exception));
    }
    this.#changes = Float64Array.from(changes).toSorted();
    const targets = this.#targets(timed, approvedBy(policy));
    this.#index = indexOf(targets);
    if (this.#index.looseGlobs > maxLooseGlobs)
      throw new PolicyError(
        "bounds",
        `${this.#index.looseGlobs} path globs such as **/*x* that have no beginning and no end to look up, the bound is ${maxLooseGlobs}`,
        { path: "tools" },
      );
    this.wanted = wantedBy(targets);
    Object.freeze(this);
  }

  #read(text: string): number {
    let time = this.#times.get(text);
    if (time === undefined) this.#times.set(text, (time = parseInstant(text)));
    return time;
  }

  /** Only banned and approved tools are looked for. @throws PolicyError past the bound on identities */
  #targets(bans: ReadonlyMap<string, readonly TimedBan[]>, approved: ReadonlySet<string>): readonly Target[] {
    const targets: Target[] = [];
    let count = 0;
    for (const id of new Set([...bans.keys(), ...approved])) {
      const tool = this.#tools.get(id);
      if (tool === undefined) continue;
      targets.push({ tool, approved: approved.has(id), bans: bans.get(id) ?? [] });
      count += tool.identities.length;
    }
    if (count > policyBounds.identities)
      throw new PolicyError(
        "bounds",
        `${count} identities with the catalog's, the bound is ${policyBounds.identities}`,
        {
          path: "tools",
        },
      );
    return targets;
  }

  ban(id: string): Ban | undefined {
    return this.#bans.get(id);
  }

  /** A tool of the policy's own or of the catalog. */
  tool(id: string): Tool | undefined {
    return this.#tools.get(id);
  }

  #addException(exception: Exception): void {
    const { ban, person, device, group } = exception;
    const ofBan = this.#exceptions.get(ban) ?? new Map<string, Exception[]>();
    this.#exceptions.set(ban, ofBan);
    if (person !== undefined) push(ofBan, `person ${person}`, exception);
    if (device !== undefined) push(ofBan, `device ${device}`, exception);
    if (group !== undefined) push(ofBan, `group ${group}`, exception);
  }

  /** The exceptions from a ban that a person, a device or one of its groups has; time does not grow with those of others. */
  exceptionsFor(ban: string, who: { person: string; device: string; groups: readonly string[] }): readonly Exception[] {
    const ofBan = this.#exceptions.get(ban);
    if (ofBan === undefined) return [];
    const keys = [`person ${who.person}`, `device ${who.device}`, ...who.groups.map((group) => `group ${group}`)];
    return keys.flatMap((key) => ofBan.get(key) ?? []);
  }

  /** When an exception begins to count: a server's grant may lead our clock by as much as its other signed times. Milliseconds. */
  exceptionBegin({ by, granted }: Exception): number {
    return by === undefined || granted === undefined ? -Infinity : this.time(granted) - lead;
  }

  /** When an exception ends: as it says, or when the longest that its ban allows is over. Milliseconds. */
  exceptionEnd(exception: Exception): number {
    const until = this.time(exception.until);
    const rule = this.#bans.get(exception.ban)?.exceptions;
    if (exception.granted === undefined || rule === undefined || rule === "never") return until;
    return Math.min(until, this.time(exception.granted) + Math.floor(parseDuration(rule.max)));
  }

  /** Milliseconds of an instant that stands in this policy. */
  time(text: string): number {
    return this.#times.get(text) ?? parseInstant(text);
  }

  /** Which banned and approved tools what was seen of one file points to. */
  claims(seen: Seen, os: Os): readonly Claim[] {
    return this.#index.claims(seen, os);
  }

  /** The next moment at which a stage begins or an exception ends; undefined when nothing will change any more. */
  nextChange(after: Instant): Instant | undefined {
    let [low, high] = [0, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle] ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    const next = this.#changes[low];
    return next === undefined ? undefined : instantOf(next);
  }
}

/** @throws PolicyError with code "bounds" where policy and catalog are too much together */
export function compile(policy: Policy, catalog: Catalog): Matcher {
  return new Matcher(policy, catalog);
}

function indexOf(targets: readonly Target[]): IdentityIndex {
  try {
    return new IdentityIndex(targets);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new PolicyError("bounds", cause.message, { path: "tools" }, { cause });
  }
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** What is in the policy's `allow`, and what its bans put in place of something. A group's bans approve nothing. */
export function approvedBy(policy: Policy): ReadonlySet<string> {
  const approved = new Set(policy.allow);
  for (const { replacement, group } of policy.bans)
    if (replacement !== undefined && group === undefined) approved.add(replacement.tool);
  return approved;
}

function wantedBy(targets: readonly Target[]): Wanted {
  const sizes = new Set<number>();
  const needles = new Map<string, Needle>();
  const configs: { path: string; os?: Os | readonly Os[] | undefined }[] = [];
  const ecosystems = new Set<string>();
  const signers = new Set<string>();
  let [pathProof, extensions] = [false, false];
  const want = ({ bytes, encoding, where, section }: Needle): void => {
    const needle = { bytes, encoding, where, ...(section !== undefined && { section }) };
    needles.set(needleKey(needle), Object.freeze(needle));
  };
  for (const { tool } of targets)
    for (const identity of tool.identities) {
      if (identity.kind === "hash") sizes.add(identity.size);
      else if (identity.kind === "config") configs.push({ path: identity.path, os: identity.os });
      else if (identity.kind === "path") pathProof ||= gradeOf(identity) === "proof";
      else if (identity.kind === "package") ecosystems.add(identity.ecosystem);
      else if (identity.kind === "extension") extensions = true;
      else if (identity.kind === "signer") signers.add(identity.teamId ?? identity.subject ?? "");
      else if (identity.kind === "marker") [identity, ...(identity.absent ?? [])].forEach(want);
    }
  return Object.freeze({
    sizes,
    needles: Object.freeze([...needles.values()]),
    configs: Object.freeze(configs),
    pathProof,
    ecosystems,
    extensions,
    signers,
  });
}
