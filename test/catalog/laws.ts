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
