import { clean } from "#lib/pure/text.ts";
import type { Identity } from "#policy/tool.ts";

/** Columns of a name. */
const widest = 100;

/** A string that stands in a program and in no runtime of this machine. */
export interface MarkerSighting {
  readonly bytes: string;
  readonly encoding: "utf8" | "utf16le";
  readonly where: "anywhere" | "elf-section";
  readonly section?: string | undefined;
  /** How often it stands there. */
  readonly count: number;
}

/** One of the tool's programs. */
export interface ProgramSighting {
  /** Its path in its package, or its last name. */
  readonly program: string;
  /** "name@version" of the package that it lies in; undefined where none says so. */
  readonly release: string | undefined;
  /** Of a native program. Bytes. */
  readonly hash?: { readonly sha256: string; readonly size: number } | undefined;
  readonly markers: readonly MarkerSighting[];
}

/** What was seen of a tool that nobody has described yet. */
export interface Sighting {
  /** What it is called where it was found. */
  readonly name: string;
  readonly homepage?: string | undefined;
  /** Whoever installed it says that it is these. */
  readonly packages: readonly {
    readonly ecosystem: string;
    readonly id: string;
    readonly version?: string | undefined;
  }[];
  /** npm packages with its programs for one system each, and which release names them. */
  readonly beside: { readonly ids: readonly string[]; readonly release: string | undefined };
  /** What people type. */
  readonly commands: readonly string[];
  readonly programs: readonly ProgramSighting[];
  /** Folders of that name in the home of whoever looks, from "~/". */
  readonly configs: readonly string[];
}

/** An identity before it is checked: the ecosystem is whatever was seen. */
type Drafted = { readonly kind: Identity["kind"]; readonly [field: string]: unknown };

/**
 * A tool's file to go on from, in the catalog's form. What nobody could look up has no source, and the catalog's own test
 * refuses it until somebody says which release it was.
 */
export function draftTool(seen: Sighting): Readonly<Record<string, unknown>> {
  const [first] = seen.packages;
  const release = first === undefined ? undefined : releaseOf(first);
  const identities: readonly Drafted[] = [
    ...seen.packages.map((p) => ({
      kind: "package" as const,
      ecosystem: p.ecosystem,
      id: p.id,
      ...from(releaseOf(p)),
    })),
    ...seen.beside.ids.map((id) => ({ kind: "package" as const, ecosystem: "npm", id, ...from(seen.beside.release) })),
    ...seen.programs.flatMap(programIdentities),
    ...seen.commands.map((name) => ({ kind: "name" as const, name, ...from(release) })),
    ...seen.configs.map((path) => ({ kind: "config" as const, path, ...from(release) })),
  ];
  return {
    $schema: "../schema/tool.schema.json",
    id: idOf(seen.name),
    name: clean(seen.name, widest) || "New tool",
    ...(seen.homepage !== undefined && { homepage: seen.homepage }),
    aliases: [],
    identities: once(identities),
    relatedBenign: [],
    equivalents: [],
  };
}

/** Builds of one tool have the same strings: each is said once. */
function once(identities: readonly Drafted[]): readonly Drafted[] {
  const said = new Set<string>();
  return identities.filter((identity) => {
    const text = JSON.stringify({ ...identity, source: undefined });
    return !said.has(text) && said.add(text);
  });
}

function programIdentities({ program, release, hash, markers }: ProgramSighting): readonly Drafted[] {
  return [
    ...markers.map(({ bytes, encoding, where, section, count }) => ({
      kind: "marker" as const,
      bytes,
      ...(encoding !== "utf8" && { encoding }),
      ...(where !== "anywhere" && { where, section, os: ["linux"] }),
      ...from(release, `${program}: ${count}${section === undefined ? "" : ` in ${section}`}`),
    })),
    ...(hash === undefined
      ? []
      : [{ kind: "hash" as const, ...hash, ...from(release, program), note: "this release only" }]),
  ];
}

function from(release: string | undefined, more?: string): { readonly source?: string } {
  if (release === undefined) return {};
  return { source: more === undefined ? release : `${release} (${more})` };
}

function releaseOf({ id, version }: Sighting["packages"][number]): string | undefined {
  return version === undefined ? undefined : `${id}@${version}`;
}

/** The file's name and the tool's id. */
export function idOf(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-");
  return plain.replace(/^[^a-z0-9]+/, "").slice(0, 128) || "new-tool";
}
