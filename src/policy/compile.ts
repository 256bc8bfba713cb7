import { instantOf, parseDuration, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { each, whole, type Pieces } from "#lib/pure/pieces.ts";
import { policyBounds, type Ban, type Exception, type Policy } from "#policy/ban.ts";
import type { Needle, Seen } from "#policy/evidence.ts";
import { TimedBan, type Claim, type Target } from "#policy/claim.ts";
import { lead } from "#policy/granted.ts";
import { identityIndexInPieces, needleKey, type IdentityIndex } from "#policy/identity-index.ts";
import { noticeOf } from "#policy/notice.ts";
import { PolicyError } from "#policy/parse.ts";
import type { Os } from "#policy/text.ts";
import { gradeOf, type Catalog, type Identity, type Tool } from "#policy/tool.ts";
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

/** What a policy was made into. */
interface Made {
  readonly policy: Policy;
  readonly wanted: Wanted;
  readonly bans: ReadonlyMap<string, Ban>;
  readonly tools: ReadonlyMap<string, Tool>;
  /** By ban, and then by whose they are. */
  readonly exceptions: ReadonlyMap<string, ReadonlyMap<string, readonly Exception[]>>;
  readonly times: Times;
  /** Every moment at which an answer can change, sorted. */
  readonly changes: Float64Array;
  readonly index: IdentityIndex;
}

/** A policy made ready: frozen, swapped whole, the same answers for ever. */
export class Matcher {
  readonly policy: Policy;
  readonly wanted: Wanted;
  readonly #made: Made;

  constructor(made: Made) {
    this.policy = made.policy;
    this.wanted = made.wanted;
    this.#made = made;
    Object.freeze(this);
  }

  ban(id: string): Ban | undefined {
    return this.#made.bans.get(id);
  }

  /** A tool of the policy's own or of the catalog. */
  tool(id: string): Tool | undefined {
    return this.#made.tools.get(id);
  }

  /** The exceptions from a ban that a person, a device or one of its groups has; time does not grow with those of others. */
  exceptionsFor(ban: string, who: { person: string; device: string; groups: readonly string[] }): readonly Exception[] {
    const ofBan = this.#made.exceptions.get(ban);
    if (ofBan === undefined) return [];
    const keys = [`person ${who.person}`, `device ${who.device}`, ...who.groups.map((group) => `group ${group}`)];
    return keys.flatMap((key) => ofBan.get(key) ?? []);
  }

  /** When an exception begins to count: a server's grant may lead our clock by as much as its other signed times. Milliseconds. */
  exceptionBegin(exception: Exception): number {
    return beginOf(exception, this.#made.times);
  }

  /** When an exception ends: as it says, or when the longest that its ban allows is over. Milliseconds. */
  exceptionEnd(exception: Exception): number {
    return endOf(exception, this.ban(exception.ban), this.#made.times);
  }

  /** Milliseconds of an instant that stands in this policy. */
  time(text: string): number {
    return this.#made.times.of(text);
  }

  /** Which banned and approved tools what was seen of one file points to. */
  claims(seen: Seen, os: Os): readonly Claim[] {
    return this.#made.index.claims(seen, os);
  }

  /** The next moment at which a stage begins or an exception ends; undefined when nothing will change any more. */
  nextChange(after: Instant): Instant | undefined {
    const { changes } = this.#made;
    let [low, high] = [0, changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle] ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    const next = changes[low];
    return next === undefined ? undefined : instantOf(next);
  }
}

/** @throws PolicyError with code "bounds" where policy and catalog are too much together */
export function compile(policy: Policy, catalog: Catalog): Matcher {
  return whole(compileInPieces(policy, catalog));
}

/** @throws PolicyError as `compile` */
export function* compileInPieces(policy: Policy, catalog: Catalog): Pieces<Matcher> {
  const tools = new Map<string, Tool>();
  const know = (tool: Tool): void => void tools.set(tool.id, tool);
  yield* each(catalog.tools, know);
  yield* each(policy.tools, know);

  const times = new Times();
  const changes = new Set<number>();
  const makeNotice = (ban: Ban): Notice => noticeOf(ban, policy.limits, (id) => tools.get(id));
  const bans = new Map<string, Ban>();
  const timed = new Map<string, TimedBan[]>();
  yield* each(policy.bans, (ban) => {
    bans.set(ban.id, ban);
    const from = ban.stages.map((stage) => times.read(stage.from));
    for (const time of from) changes.add(time);
    push(timed, ban.tool, new TimedBan(ban, from, makeNotice));
  });
  const exceptions = new Map<string, Map<string, Exception[]>>();
  yield* each(policy.exceptions, (exception) => {
    addException(exceptions, exception);
    changes.add(endOf(exception, bans.get(exception.ban), times));
    if (exception.by !== undefined) changes.add(beginOf(exception, times));
  });
  yield;
  const targets = targetsOf(tools, timed, approvedBy(policy));
  yield;
  const index = yield* indexInPieces(targets);
  const wanted = yield* wantedInPieces(targets);
  const sorted = Float64Array.from(changes).toSorted();
  return new Matcher({ policy, wanted, bans, tools, exceptions, times, changes: sorted, index });
}

/** Milliseconds of every instant the policy writes; most bans share a few. */
class Times {
  readonly #known = new Map<string, number>();

  read(text: string): number {
    let time = this.#known.get(text);
    if (time === undefined) this.#known.set(text, (time = parseInstant(text)));
    return time;
  }

  of(text: string): number {
    return this.#known.get(text) ?? parseInstant(text);
  }
}

function beginOf({ by, granted }: Exception, times: Times): number {
  return by === undefined || granted === undefined ? -Infinity : times.of(granted) - lead;
}

function endOf({ until, granted }: Exception, ban: Ban | undefined, times: Times): number {
  const said = times.of(until);
  const rule = ban?.exceptions;
  if (granted === undefined || rule === undefined || rule === "never") return said;
  return Math.min(said, times.of(granted) + Math.floor(parseDuration(rule.max)));
}

/** Only banned and approved tools are looked for. @throws PolicyError past the bound on identities */
function targetsOf(
  tools: ReadonlyMap<string, Tool>,
  bans: ReadonlyMap<string, readonly TimedBan[]>,
  approved: ReadonlySet<string>,
): readonly Target[] {
  const targets: Target[] = [];
  let count = 0;
  for (const id of new Set([...bans.keys(), ...approved])) {
    const tool = tools.get(id);
    if (tool === undefined) continue;
    targets.push({ tool, approved: approved.has(id), bans: bans.get(id) ?? [] });
    count += tool.identities.length;
  }
  if (count > policyBounds.identities)
    throw past(`${count} identities with the catalog's, the bound is ${policyBounds.identities}`);
  return targets;
}

function* indexInPieces(targets: readonly Target[]): Pieces<IdentityIndex> {
  let index: IdentityIndex;
  try {
    index = yield* identityIndexInPieces(targets);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw past(cause.message, { cause });
  }
  if (index.looseGlobs > maxLooseGlobs)
    throw past(
      `${index.looseGlobs} path globs such as **/*x* that have no beginning and no end to look up, the bound is ${maxLooseGlobs}`,
    );
  return index;
}

function past(message: string, options?: ErrorOptions): PolicyError {
  return new PolicyError("bounds", message, { path: "tools" }, options);
}

function addException(to: Map<string, Map<string, Exception[]>>, exception: Exception): void {
  const { ban, person, device, group } = exception;
  const ofBan = to.get(ban) ?? new Map<string, Exception[]>();
  to.set(ban, ofBan);
  if (person !== undefined) push(ofBan, `person ${person}`, exception);
  if (device !== undefined) push(ofBan, `device ${device}`, exception);
  if (group !== undefined) push(ofBan, `group ${group}`, exception);
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

function* wantedInPieces(targets: readonly Target[]): Pieces<Wanted> {
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
  yield* each(identitiesOf(targets), (identity) => {
    if (identity.kind === "hash") sizes.add(identity.size);
    else if (identity.kind === "config") configs.push({ path: identity.path, os: identity.os });
    else if (identity.kind === "path") pathProof ||= gradeOf(identity) === "proof";
    else if (identity.kind === "package") ecosystems.add(identity.ecosystem);
    else if (identity.kind === "extension") extensions = true;
    else if (identity.kind === "signer") signers.add(identity.teamId ?? identity.subject ?? "");
    else if (identity.kind === "marker") [identity, ...(identity.absent ?? [])].forEach(want);
  });
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

function* identitiesOf(targets: readonly Target[]): Generator<Identity, void, undefined> {
  for (const { tool } of targets) yield* tool.identities;
}
