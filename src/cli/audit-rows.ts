import type { Instant } from "#lib/pure/instant.ts";
import type { Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import type { Device } from "#policy/device.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import { modes, type Grade, type Mode } from "#policy/verdict.ts";

/** One tool in one place. */
export interface AuditRow {
  /** The catalog's id, and its name for people. */
  readonly tool: string;
  readonly name: string;
  readonly version: string | null;
  /** The package's folder, the program, or the configuration. */
  readonly where: string;
  /** More files of the same, such as its links and platform packages. */
  readonly also: readonly string[];
  /** Login name, or uid where nobody has one. */
  readonly owner: string;
  readonly grade: Grade;
  /** The identities that matched, in words, the strongest first. */
  readonly known: readonly string[];
  /** What a policy says about it; null where it says nothing, or where none was given. */
  readonly ban: AuditBan | null;
}

export interface AuditBan {
  readonly id: string;
  readonly mode: Mode;
  /** ISO 8601. */
  readonly since: string | null;
  /** The approved tool's id. */
  readonly instead: string | null;
  readonly url: string | null;
}

/** What judges a row: the policy where one was given, and the device as far as an audit knows it. */
export interface Judge {
  readonly matcher: Matcher;
  readonly device: Device;
  readonly at: Instant;
}

interface Draft {
  readonly tool: string;
  readonly name: string;
  readonly owner: string;
  version: string | null;
  readonly places: Set<string>;
  readonly proofs: Set<string>;
  readonly hints: Set<string>;
  ban: AuditBan | null;
}

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
    const path = file?.path ?? "the system's package database";
    const ban = this.#banOf(evidence);
    for (const claim of this.#everything.claims(seen, this.#os)) {
      const { tool } = claim.target;
      const owner = file === undefined ? "root" : this.#ownerName(file.owner);
      const place = "value" in seen.config ? "configuration" : unitOf(path);
      const key = JSON.stringify([tool.id, owner, place]);
      const draft = this.#drafts.get(key) ?? newDraft(tool, owner);
      this.#drafts.set(key, draft);
      draft.places.add(path);
      draft.version ??= claim.proves ? versionOf(seen) : null;
      (claim.proves ? draft.proofs : draft.hints).add(claim.reason.text.slice(`${tool.name}: `.length));
      if (ban?.tool === tool.id) draft.ban = stricter(draft.ban, ban.says);
    }
  }

  /** Sorted by tool, proven ones first, then by place. */
  rows(): readonly AuditRow[] {
    return [...this.#drafts.values()]
      .map(rowOf)
      .toSorted((a, b) => order(a).localeCompare(order(b), "en", { numeric: true }));
  }

  #banOf(evidence: Evidence): { readonly tool: string; readonly says: AuditBan } | undefined {
    if (this.#judge === undefined) return undefined;
    const { matcher, at, device } = this.#judge;
    const person = this.#ownerName(evidence.file?.owner);
    const verdict = decide(matcher, evidence, at, { ...device, person });
    if (verdict.ban === null || verdict.tool === null || verdict.mode === "allow") return undefined;
    if (verdict.grade === "proof") this.banned = true;
    const { ban: id, mode, since, replacement } = verdict;
    const says = { id, mode, since, instead: replacement?.tool ?? null, url: replacement?.url ?? null };
    return { tool: verdict.tool, says };
  }
}

function newDraft(tool: { readonly id: string; readonly name: string }, owner: string): Draft {
  const { id, name } = tool;
  return { tool: id, name, owner, version: null, places: new Set(), proofs: new Set(), hints: new Set(), ban: null };
}

function rowOf({ places, proofs, hints, ...draft }: Draft): AuditRow {
  const [where = "", ...also] = [...places].toSorted((a, b) => a.length - b.length || a.localeCompare(b));
  const grade = proofs.size > 0 ? "proof" : "hint";
  return { ...draft, where, also, grade, known: [...proofs, ...hints] };
}

function order({ tool, grade, where }: AuditRow): string {
  return `${tool} ${grade === "proof" ? 0 : 1} ${where}`;
}

function stricter(a: AuditBan | null, b: AuditBan): AuditBan {
  return a !== null && modes.indexOf(a.mode) >= modes.indexOf(b.mode) ? a : b;
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
  const named = ["value" in packages ? packages.value : [], "value" in extension ? extension.value : []].flat();
  return named.find((one) => one.version !== undefined)?.version ?? null;
}
