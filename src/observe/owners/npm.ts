import type { Footing } from "#observe/footing.ts";
import { aliasesIn, recordedIn } from "#observe/owners/aliases.ts";
import { isLinkedTo } from "#observe/owners/global-links.ts";
import type { PackageSeen } from "#policy/evidence.ts";
import { below, rawFromBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall, type Stamp } from "#observe/read-file.ts";
import { longestManifest, parsePackageJson, type Manifest } from "#observe/readers/package-json.ts";

/** A package's folder and the id that its place gives it. */
export interface NpmPlace {
  readonly folder: RawPath;
  /** What follows `node_modules/`: "cline", "@scope/name". */
  readonly id: string;
}

const marker = "/node_modules/";

/** The innermost package folder that a path lies in; undefined outside of every `node_modules`. */
export function npmPlace(path: RawPath): NpmPlace | undefined {
  const at = path.lastIndexOf(marker) + marker.length;
  const id = idAt(path, at);
  const folder = id === "" ? undefined : rawFromBytes(Buffer.from(path.slice(0, at) + id, "latin1"));
  return folder === undefined ? undefined : { folder, id };
}

/** The id that a path has behind its last marker; "" where it has none. */
function idAt(path: string, at: number): string {
  if (at < marker.length) return "";
  const [first = "", second = ""] = path.slice(at).split("/", 2);
  if (first.startsWith(".") || (first.startsWith("@") && second === "")) return "";
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/** The id that a package folder has by its place; "" in no node_modules. */
export function idOf(folder: RawPath): string {
  return idAt(folder, folder.lastIndexOf(marker) + marker.length);
}

/**
 * Whether a manifest may say whose this folder is: it names the folder's id, or the folder is a platform's alias of it, as
 * @openai/codex publishes them: folder "@openai/codex-linux-x64", name "@openai/codex", version "0.169.0-linux-x64".
 */
function agrees(id: string, { name, version }: Manifest): boolean {
  if (name === id) return true;
  return id.startsWith(`${name}-`) && version?.endsWith(id.slice(name.length)) === true;
}

/** Whether a folder's manifest could name an id that is asked for, by what `agrees` demands of both. */
export function mayBe(folder: RawPath, asked: (id: string) => boolean): boolean {
  const id = idOf(folder);
  for (let end = id.length; end > 0; end = id.lastIndexOf("-", end - 1)) if (asked(id.slice(0, end))) return true;
  return false;
}

/**
 * The package that a file belongs to: attributed by the manifest of its own package folder, owned by root or by the file's
 * owner (POLICY.md, "Attribution is only as good as who could write it"). Undefined where nothing attributes it.
 */
export async function npmOwner(
  path: RawPath,
  file: Pick<Stamp, "owner">,
  footing: Footing,
): Promise<PackageSeen | undefined> {
  const place = npmPlace(path);
  if (place === undefined) return undefined;
  footing.on(below(place.folder, "package.json"));
  const manifest = await npmManifest(place, file.owner, footing);
  return manifest === undefined ? undefined : seen(manifest);
}

/** The manifest of a package folder, where it may say whose the folder is: by itself, by its package manager's record or by a link of its. */
export async function npmManifest(place: NpmPlace, owner: number, footing?: Footing): Promise<Manifest | undefined> {
  const read = await readSmall(below(place.folder, "package.json"), longestManifest, owner);
  const manifest = "unread" in read ? undefined : parsePackageJson(read.bytes);
  if (manifest === undefined || agrees(place.id, manifest)) return manifest;
  for (const from of recordedIn(place.folder)) {
    const aliases = await aliasesIn(from, owner, footing);
    if (aliases.get(place.id)?.includes(manifest.name) === true) return manifest;
  }
  return (await isLinkedTo(place.folder, manifest, owner, footing)) ? manifest : undefined;
}

export function seen({ name, version }: Manifest): PackageSeen {
  return { ecosystem: "npm", id: name, ...(version !== undefined && { version }) };
}
