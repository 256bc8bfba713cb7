import type { Instant } from "#lib/pure/instant.ts";
import type { Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import type { Device } from "#policy/device.ts";
import type { Claim } from "#policy/claim.ts";
import type { Evidence, ExtensionSeen, FileSeen, PackageSeen, Seen } from "#policy/evidence.ts";
import { packageId } from "#policy/identity-index.ts";
import type { Identity, Tool } from "#policy/tool.ts";
import { modes, type Grade, type Mode } from "#policy/verdict.ts";

/** One tool in one place. */
export interface AuditRow {
  /** The catalog's id, and its name for people. */
  readonly tool: string;
  readonly name: string;
  readonly vendor: string | null;
  readonly version: string | null;
  /** The package's folder, the program, or the configuration. */
  readonly where: string;
  /** Whose container or image that lies in; null where it is this machine's own. */
  readonly container: string | null;
  /** More files of the same, such as its links and platform packages. */
  readonly also: readonly string[];
  /** Who installed it: login name, or uid where nobody has one. */
  readonly owner: string;
  readonly grade: Grade;
  /** The identities that matched, proofs first. */
  readonly known: readonly Known[];
  /** The packages and extensions by which it was known. */
  readonly packages: readonly (PackageSeen | ExtensionSeen)[];
  /** What a policy says about it; null where it says nothing, or where none was given. */
  readonly ban: AuditBan | null;
}

/** One identity that matched, in words. */
export interface Known {
  readonly kind: Identity["kind"];
  readonly grade: Grade;
  readonly text: string;
}

export interface AuditBan {
  readonly id: string;
  readonly mode: Mode;
  /** ISO 8601. */
  readonly since: string | null;
  /** The approved tool: its id, and its name for people. */
  readonly instead: string | null;
  readonly insteadName: string | null;
  readonly url: string | null;
}

/** How a ban stands against a finding: one that only observes tells nobody and stops nothing. */
export function stanceOf({ ban }: AuditRow): "banned" | "observed" | "free" {
  if (ban === null) return "free";
  return ban.mode === "observe" ? "observed" : "banned";
}

/** How many findings a ban stands so against. */
export function howMany(findings: readonly AuditRow[], stance: ReturnType<typeof stanceOf>): number {
  return findings.filter((row) => stanceOf(row) === stance).length;
}

/** Since which day a finding is banned, or that it is only observed; undefined where no ban speaks. */
export function bannedSince(row: AuditRow): string | undefined {
  if (row.ban === null) return undefined;
  return stanceOf(row) === "observed" ? "observed" : dayOf(row.ban.since ?? "now");
}

/** The day of a point in time (ISO 8601). */
export function dayOf(since: string): string {
  return since.slice(0, "2026-07-10".length);
}

/** What judges a row: the policy where one was given, and the device as far as an audit knows it. */
export interface Judge {
  readonly matcher: Matcher;
  readonly device: Device;
  readonly at: Instant;
}

interface Draft {
  readonly tool: Tool;
  readonly owner: string;
  readonly container: string | null;
  readonly places: Map<string, Place>;
  ban: AuditBan | null;
}

/** What one place says of a tool. */
interface Place {
  /** That was proven there. */
  version: string | null;
  readonly known: Map<string, Known>;
  readonly packages: Map<string, PackageSeen | ExtensionSeen>;
}

/** Made once: it takes longer than all comparisons. */
const inOrder = new Intl.Collator("en", { numeric: true });

/** Collects findings into rows: what belongs to one tool in one package is one. */
export class AuditRows {
  readonly #everything: Matcher;
  readonly #judge: Judge | undefined;
  readonly #ownerName: (uid: number | undefined) => string;
  readonly #os: Device["os"];
  readonly #drafts = new Map<string, Draft>();
  /** Whether a proven finding's ban is in force, in any mode. */
  banned = false;

  /** `everything` knows every tool of the catalog and of the policy, so that what is not banned is seen too. */
  constructor(options: {
    readonly everything: Matcher;
    readonly os: Device["os"];
    readonly judge: Judge | undefined;
    readonly ownerName: (uid: number | undefined) => string;
  }) {
    this.#everything = options.everything;
    this.#judge = options.judge;
    this.#ownerName = options.ownerName;
    this.#os = options.os;
  }

  add(evidence: Evidence): void {
    const { seen, file } = evidence;
    const path = file === undefined ? "the system's package database" : placeOf(file);
    const ban = this.#banOf(evidence);
    for (const claim of this.#everything.claims(seen, this.#os)) {
      const { tool } = claim.target;
      const owner = file === undefined ? "root" : this.#ownerName(file.owner);
      const place = "value" in seen.config ? "configuration" : unitOf(path);
      const key = JSON.stringify([tool.id, owner, place]);
      const draft = this.#drafts.get(key) ?? newDraft(tool, owner, file?.container ?? null);
      this.#drafts.set(key, draft);
      const says = draft.places.get(path) ?? { version: null, known: new Map(), packages: new Map() };
      draft.places.set(path, says);
      if (claim.proves) says.version ??= versionOf(seen);
      const known = knownBy(claim);
      says.known.set(known.text, known);
      for (const one of named(claim, seen)) says.packages.set(JSON.stringify(one), one);
      if (ban?.tool === tool.id) draft.ban = stricter(draft.ban, ban.says);
    }
  }

  /** What is banned first, then what is proven; then by name and place. */
  rows(): readonly AuditRow[] {
    return [...this.#drafts.values()].map(rowOf).toSorted((a, b) => inOrder.compare(order(a), order(b)));
  }

  #banOf(evidence: Evidence): { readonly tool: string; readonly says: AuditBan } | undefined {
    if (this.#judge === undefined) return undefined;
    const { matcher, at, device } = this.#judge;
    const person = this.#ownerName(evidence.file?.owner);
    const verdict = decide(matcher, evidence, at, { ...device, person });
    if (verdict.ban === null || verdict.tool === null || verdict.mode === "allow") return undefined;
    if (verdict.grade === "proof") this.banned = true;
    const { ban: id, mode, since, replacement } = verdict;
    const instead = replacement?.tool ?? null;
    const insteadName = instead === null ? null : (this.#everything.tool(instead)?.name ?? instead);
    return { tool: verdict.tool, says: { id, mode, since, instead, insteadName, url: replacement?.url ?? null } };
  }
}

function newDraft(tool: Tool, owner: string, container: string | null): Draft {
  return { tool, owner, container, places: new Map(), ban: null };
}

function knownBy({ identity, proves, reason, target }: Claim): Known {
  const text = reason.text.slice(`${target.tool.name}: `.length).replace(/ \((?:proof|hint)\)$/, "");
  return { kind: identity.kind, grade: proves ? "proof" : "hint", text };
}

/** What a package or extension identity matched, with its version. */
function named({ identity }: Claim, { package: packages, extension }: Seen): readonly (PackageSeen | ExtensionSeen)[] {
  const id = identity.kind === "extension" ? identity.id.toLowerCase() : "";
  if (identity.kind === "extension" && "value" in extension)
    return extension.value.filter((seen) => seen.host === identity.host && seen.id.toLowerCase() === id);
  if (identity.kind === "package" && "value" in packages) {
    const { ecosystem } = identity;
    return packages.value.filter(
      (seen) => seen.ecosystem === ecosystem && packageId(ecosystem, seen.id) === packageId(ecosystem, identity.id),
    );
  }
  return [];
}

/** The same, in whatever order the places were come by. */
function rowOf({ tool, owner, container, places, ban }: Draft): AuditRow {
  // A tool's own package lies above those of its platforms, whose versions may have the platform's name behind them.
  const sorted = [...places].toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  const [where = "", ...also] = sorted.map(([path]) => path);
  const says = sorted.map(([, place]) => place);
  const version = says.find((place) => place.version !== null)?.version ?? null;
  const known = new Map(says.flatMap((place) => [...place.known]));
  const packages = new Map(says.flatMap((place) => [...place.packages]));
  const all = [...known.values()].toSorted((a, b) => Number(a.grade === "hint") - Number(b.grade === "hint"));
  const { id, name, vendor = null } = tool;
  const grade = all[0]?.grade ?? "hint";
  return {
    tool: id,
    name,
    vendor,
    version,
    where,
    container,
    also,
    owner,
    grade,
    known: all,
    packages: [...packages.values()],
    ban,
  };
}

function order({ name, grade, where, ban }: AuditRow): string {
  return `${ban === null ? 1 : 0} ${grade === "proof" ? 0 : 1} ${name} ${where}`;
}

function stricter(a: AuditBan | null, b: AuditBan): AuditBan {
  if (a === null) return b;
  const more = modes.indexOf(a.mode) - modes.indexOf(b.mode) || (a.id < b.id ? 1 : -1);
  return more > 0 ? a : b;
}

/** A path; one that is not UTF-8 with its bytes past ASCII as \xNN, so that two of them are not taken for one. */
function placeOf({ path, pathBytes }: FileSeen): string {
  if (pathBytes === undefined) return path;
  const bytes = Buffer.from(pathBytes, "base64").toString("latin1");
  return bytes.replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** What a path belongs to: everything below one installation's node_modules, one extension, one environment, or itself. */
function unitOf(path: string): string {
  for (const folder of ["/node_modules/", "/site-packages/"]) {
    const at = path.indexOf(folder);
    if (at >= 0) return path.slice(0, at);
  }
  return /^.*\/extensions\/[^/]+/.exec(path)?.[0] ?? path;
}

function versionOf({ package: packages, extension }: Seen): string | null {
  const all = ["value" in packages ? packages.value : [], "value" in extension ? extension.value : []].flat();
  return all.find((one) => one.version !== undefined)?.version ?? null;
}
