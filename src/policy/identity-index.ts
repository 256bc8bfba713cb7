import { each, type Pieces } from "#lib/pure/pieces.ts";
import type { Needle, Seen } from "#policy/evidence.ts";
import { pathIndexInPieces, type PathIndex } from "#policy/path-index.ts";
import { holdsOn, type Os } from "#policy/text.ts";
import { Claim, type Target } from "#policy/claim.ts";
import { Families, Postings } from "#policy/postings.ts";
import type { Identity } from "#policy/tool.ts";

/** One string a program can be searched for, whichever marker asks. */
export function needleKey(n: Needle): string {
  return `${n.encoding} ${n.where} ${n.section ?? ""} ${n.bytes}`;
}

const anyCase = new Set([
  "npm",
  "winget",
  "choco",
  "scoop",
  "msstore",
  "msix",
  "arp",
  "bundle",
  "appimage",
  "nuget",
  "composer",
]);

/** What a program says in its own bytes that it is: it is banned by that and not approved, else some bytes more would free a tool. */
const saysSo = new Set(["go", "appimage"]);

/** The id as its ecosystem compares it: npm without regard to case, PyPI by PEP 503. */
export function packageId(ecosystem: string, id: string): string {
  if (ecosystem === "pypi") return id.toLowerCase().replaceAll(/[-_.]+/g, "-");
  return anyCase.has(ecosystem) ? id.toLowerCase() : id;
}

/** Windows runs `claude` where the file is claude.exe. */
function windowsName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".exe") ? lower.slice(0, -4) : lower;
}

function sameName(identity: Identity, name: string, os: Os): boolean {
  if (identity.kind !== "name") return false;
  switch (os) {
    case "linux":
      return identity.name === name;
    case "macos":
      return identity.name.toLowerCase() === name.toLowerCase();
    case "windows":
      return windowsName(identity.name) === windowsName(name);
    default:
      return os satisfies never;
  }
}

const none: readonly Claim[] = Object.freeze([]);

/** What is looked up as it is. */
class Exact {
  readonly packages = new Families();
  readonly extensions = new Families();
  /** By teamId or subject. */
  readonly signers = new Postings();
  readonly hashes = new Postings();
  readonly markers = new Postings();
  readonly names = new Postings();
}

/** @throws RangeError for too many path globs */
export function* identityIndexInPieces(targets: readonly Target[]): Pieces<IdentityIndex> {
  const exact = new Exact();
  const paths: [string, Claim][] = [];
  const configs: [string, Claim][] = [];
  const add = (claim: Claim): void => {
    const { identity } = claim;
    switch (identity.kind) {
      case "package":
        return exact.packages.add(identity.ecosystem, packageId(identity.ecosystem, identity.id), claim);
      case "extension":
        return exact.extensions.add(identity.host, identity.id.toLowerCase(), claim);
      case "signer":
        return exact.signers.add(identity.teamId ?? identity.subject ?? "", claim);
      case "hash":
        return exact.hashes.add(identity.sha256, claim);
      case "marker":
        return exact.markers.add(needleKey(identity), claim);
      case "path":
        return void paths.push([identity.glob, claim]);
      case "name":
        return exact.names.add(windowsName(identity.name), claim);
      case "config":
        return void configs.push([identity.path, claim]);
      default:
        return identity satisfies never;
    }
  };
  yield* each(claimsOf(targets), add);
  for (const one of Object.values(exact)) yield* one.seal();
  return new IdentityIndex(exact, yield* pathIndexInPieces(paths), yield* pathIndexInPieces(configs));
}

function* claimsOf(targets: readonly Target[]): Generator<Claim, void, undefined> {
  for (const target of targets) for (const identity of target.tool.identities) yield new Claim(target, identity);
}

/** Every identity of the tools that matter, found by what was seen: time does not grow with their number. */
export class IdentityIndex {
  readonly #exact: Exact;
  readonly #paths: PathIndex<Claim>;
  readonly #configs: PathIndex<Claim>;

  constructor(exact: Exact, paths: PathIndex<Claim>, configs: PathIndex<Claim>) {
    this.#exact = exact;
    this.#paths = paths;
    this.#configs = configs;
  }

  /** Path globs that every path is tried against, because nothing in them can be looked up. */
  get looseGlobs(): number {
    return this.#paths.loose;
  }

  /** What was seen of one file is whose, by which identities; each claim once. */
  claims(seen: Seen, os: Os): readonly Claim[] {
    let found: Set<Claim> | undefined;
    const keep = (claim: Claim): void => {
      found ??= new Set();
      found.add(claim);
    };
    const add = (claim: Claim): void => {
      if (holdsOn(claim.os, os)) keep(claim);
    };
    const exact = os === "linux";
    const unlessApproved = (claim: Claim): void => {
      if (!claim.target.approved) add(claim);
    };
    if ("value" in seen.package)
      for (const { ecosystem, id } of seen.package.value)
        this.#exact.packages.each(ecosystem, packageId(ecosystem, id), saysSo.has(ecosystem) ? unlessApproved : add);
    if ("value" in seen.extension)
      for (const { host, id } of seen.extension.value) this.#exact.extensions.each(host, id.toLowerCase(), add);
    if ("value" in seen.hash) for (const sha256 of seen.hash.value) this.#exact.hashes.each(sha256, add);
    this.#signerClaims(seen, keep); // a signature says itself for which system it is, wherever the file lies
    this.#markerClaims(seen, add);
    if ("value" in seen.path) for (const path of seen.path.value) this.#paths.match(path, exact, add);
    if ("value" in seen.name)
      for (const name of seen.name.value)
        this.#exact.names.each(windowsName(name), (claim) => {
          if (sameName(claim.identity, name, os)) add(claim);
        });
    if ("value" in seen.config) for (const path of seen.config.value) this.#configs.match(path, exact, add);
    return found === undefined ? none : [...found];
  }

  #signerClaims(seen: Seen, add: (claim: Claim) => void): void {
    if (!("value" in seen.signer)) return;
    for (const s of seen.signer.value) {
      const same = (claim: Claim): void => {
        const { identity } = claim;
        if (identity.kind !== "signer") return;
        // Else a banned tool would be free as soon as somebody signs it with the approved one's name.
        if (s.unrooted === true && claim.target.approved) return;
        if (identity.signingId !== undefined && identity.signingId !== s.signingId) return;
        // Version resources are padded with spaces.
        if (identity.product !== undefined && identity.product !== s.product?.trim()) return;
        add(claim);
      };
      if (s.teamId !== undefined) this.#exact.signers.each(s.teamId, same);
      if (s.subject !== undefined) this.#exact.signers.each(s.subject, same);
    }
  }

  #markerClaims(seen: Seen, add: (claim: Claim) => void): void {
    if (!("value" in seen.marker)) return;
    const there = new Set(seen.marker.value.map(needleKey));
    for (const key of there)
      this.#exact.markers.each(key, (claim) => {
        const { identity } = claim;
        if (identity.kind === "marker" && !identity.absent?.some((n) => there.has(needleKey(n)))) add(claim);
      });
  }
}
