import { createHash } from "node:crypto";
import { makeSearch } from "#observe/search.ts";
import { needleKey, packageId } from "#policy/identity-index.ts";
import { gradeOf, type Identity, type Tool } from "#policy/tool.ts";

/** An identity and whose it is. */
export interface Owned<I extends Identity = Identity> {
  readonly tool: string;
  readonly identity: I;
}
export type Marker = Extract<Identity, { readonly kind: "marker" }>;

export function identitiesOf(tools: readonly Tool[]): readonly Owned[] {
  return tools.flatMap((tool) => tool.identities.map((identity) => ({ tool: tool.id, identity })));
}

export function markersOf(tools: readonly Tool[]): readonly Owned<Marker>[] {
  return identitiesOf(tools).flatMap(({ tool, identity }) => (identity.kind === "marker" ? [{ tool, identity }] : []));
}

/** The proofs that do not say where they are from. */
export function withoutSource(tools: readonly Tool[]): readonly string[] {
  const proofs = identitiesOf(tools).filter(({ identity }) => gradeOf(identity) === "proof");
  return proofs.filter(({ identity }) => identity.source === undefined).map(told);
}

/** The hints that say neither where they are from nor why they are only hints. */
export function withoutReason(tools: readonly Tool[]): readonly string[] {
  const bare = identitiesOf(tools).filter(
    ({ identity: { source, note } }) => source === undefined && note === undefined,
  );
  return bare.map(told);
}

const wheres = [
  /** name@version of a registry. */
  /^(?:@[\w.-]+\/)?[\w.-]+@\d[\w.+-]*(?: \([^()]+\))?$/,
  /** A public address. */
  /^https:\/\/\S+(?: \([^()]+\))?$/,
  /** owner/repository and a path in it. */
  /^[\w.-]+\/[\w.-]+ [\w@]\S*(?: \S+)*$/,
];

/** Sources that nobody can look up: neither a release nor an address nor a file of a repository. Several stand side by side with "; ". */
export function sourcesOfNothing(sources: readonly (string | undefined)[]): readonly string[] {
  const parts = sources.flatMap((source) => source?.split("; ") ?? []);
  return parts.filter((part) => part.includes("(mem)") || !wheres.some((where) => where.test(part)));
}

/** What two proofs may not share: what they match, whatever their source, as the matcher compares it. */
function evidenceOf(identity: Identity): string {
  const { source: _source, grade: _grade, os: _os, note: _note, ...rest } = identity;
  if (rest.kind === "package") return `package ${rest.ecosystem} ${packageId(rest.ecosystem, rest.id)}`;
  if (rest.kind === "extension") return `extension ${rest.host} ${rest.id.toLowerCase()}`;
  return rest.kind === "marker" ? `marker ${needleKey(rest)}` : JSON.stringify(rest);
}

/** Proofs that belong to more than one tool, with their owners. */
export function ownedTwice(tools: readonly Tool[]): readonly string[] {
  const proofs = identitiesOf(tools).filter(({ identity }) => gradeOf(identity) === "proof");
  const owners = Map.groupBy(proofs, ({ identity }) => evidenceOf(identity));
  return [...owners]
    .map(([evidence, owned]) => ({ evidence, ids: [...new Set(owned.map(({ tool }) => tool))] }))
    .filter(({ ids }) => ids.length > 1)
    .map(({ evidence, ids }) => `${evidence}: ${ids.join(", ")}`);
}

/** What one tool says twice. */
export function saidTwice(tools: readonly Tool[]): readonly string[] {
  return tools.flatMap((tool) => {
    const said = tool.identities.map((i) => `${evidenceOf(i)} ${[i.os ?? []].flat().join()}`);
    return said.filter((one, i) => said.indexOf(one) < i).map((one) => `${tool.id}: ${one}`);
  });
}

/** The namespace in which electron-builder's installers for Windows make their uninstall keys. */
const electronBuilder = Buffer.from("50e065bc313411e69bab38c9862bdaf3", "hex");
const madeKey = /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** The uninstall key that they make of an application's identifier: a UUID of version 5. */
function keyOf(application: string): string {
  const hash = createHash("sha1").update(electronBuilder).update(application).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Uninstall keys of that form which no application of the same tool makes. */
export function keysOfNoApplication(tools: readonly Tool[]): readonly string[] {
  return tools.flatMap((tool) => {
    const ids = (ecosystem: string): string[] =>
      tool.identities.flatMap((i) => (i.kind === "package" && i.ecosystem === ecosystem ? [i.id] : []));
    const made = new Set(ids("bundle").map(keyOf));
    return ids("arp").filter((id) => madeKey.test(id) && !made.has(id));
  });
}

/** The markers that stand somewhere in a program, wherever they ought to stand; what must be absent is looked for as well. */
export function standingIn(program: Uint8Array, markers: readonly Owned<Marker>[]): readonly Owned<Marker>[] {
  const needles = markers.flatMap(({ identity }) => [identity, ...(identity.absent ?? [])]);
  const found = new Set<string>();
  makeSearch(needles.map(({ bytes, encoding }) => Buffer.from(bytes, encoding))).scan(program, program.length, (i) => {
    const needle = needles[i];
    if (needle !== undefined) found.add(needleKey({ ...needle, where: "anywhere", section: undefined }));
  });
  const stands = ({ bytes, encoding }: Pick<Marker, "bytes" | "encoding">): boolean =>
    found.has(needleKey({ bytes, encoding, where: "anywhere" }));
  return markers.filter(({ identity }) => stands(identity) && !identity.absent?.some(stands));
}

function told({ tool, identity }: Owned): string {
  return `${tool}: ${JSON.stringify(identity)}`;
}
