import { readdir } from "node:fs/promises";
import type { Footing } from "#observe/footing.ts";
import type { PackageSeen } from "#policy/evidence.ts";
import { below, nameOf, parentOf, rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import { readSmall } from "#observe/read-file.ts";
import { longestMetadata, longestRecord, normalName, parseMetadata, recordLists } from "#observe/readers/dist-info.ts";

/** Distributions of one environment that are looked at; real ones have some hundreds. */
const mostDistributions = 3000;
const packageFolders = ["/site-packages/", "/dist-packages/"];

/** Where an environment's packages lie, and the paths that a RECORD there may have for the file. */
interface Place {
  readonly site: RawPath;
  /** Relative to `site`, as RECORD writes them. */
  readonly entries: readonly string[];
}

/** The environments that could have put a file there: the site-packages it lies in, or those beside its bin folder. */
async function places(path: RawPath, footing: Footing): Promise<readonly Place[]> {
  for (const folder of packageFolders) {
    const at = path.lastIndexOf(folder);
    const site = at < 0 ? undefined : rawFromBytes(Buffer.from(path.slice(0, at + folder.length - 1), "latin1"));
    if (site !== undefined) return [{ site, entries: [path.slice(at + folder.length)] }];
  }
  const [bin, name] = [parentOf(path), nameOf(path)];
  const root = parentOf(bin);
  if (nameOf(bin) !== "bin") return [];
  // <root>/lib/pythonX.Y/site-packages: from there to the file is three folders up.
  footing.on(below(root, "lib"));
  const sites = (await sitesOf(root)).map((site) => ({ site, entries: [`../../../bin/${name}`] }));
  // `--target <root>`: pip's RECORD keeps what it said in <root>/lib/python, where pip had it first; uv's says what lies there.
  return [...sites, { site: root, entries: [`../../bin/${name}`, `bin/${name}`] }];
}

/** The site-packages folders of one environment's root. */
export async function sitesOf(root: RawPath): Promise<readonly RawPath[]> {
  const lib = below(root, "lib");
  const versions = (await names(lib)).filter((name) => /^(?:python|pypy)\d(\.\d+)?t?$/.test(name)).slice(0, 16);
  return versions.flatMap((version) =>
    packageFolders.map((folder) => below(below(lib, version), folder.replaceAll("/", ""))),
  );
}

async function names(folder: RawPath): Promise<readonly string[]> {
  try {
    return (await readdir(toBytes(folder), { encoding: "buffer" })).map((name) => name.toString("latin1"));
  } catch {
    return [];
  }
}

/** The distribution that a *.dist-info or *.egg-info folder describes, where its metadata names what the folder is called after. */
export async function distributionIn(folder: RawPath, owner: number): Promise<PackageSeen | undefined> {
  const [, called = "", kind] = /^(.+)\.(dist|egg)-info$/.exec(nameOf(folder)) ?? [];
  const read = await readSmall(below(folder, kind === "egg" ? "PKG-INFO" : "METADATA"), longestMetadata, owner);
  const metadata = "unread" in read ? undefined : parseMetadata(read.bytes);
  if (metadata === undefined) return undefined;
  const id = normalName(metadata.name);
  if (!`${normalName(called)}-`.startsWith(`${id}-`)) return undefined;
  return { ecosystem: "pypi", id, ...(metadata.version !== "" && { version: metadata.version }) };
}

/** Every *.dist-info folder of a site-packages folder. */
export async function distributions(site: RawPath): Promise<readonly RawPath[]> {
  const folders = (await names(site)).filter((name) => name.endsWith(".dist-info"));
  return folders.slice(0, mostDistributions).map((name) => below(site, name));
}

/** The Python distribution whose RECORD lists a file of its own environment; undefined where none does. */
export async function pythonOwner(
  path: RawPath,
  file: { readonly owner: number },
  footing: Footing,
): Promise<PackageSeen | undefined> {
  for (const { site, entries } of await places(path, footing)) {
    footing.on(site); // an installed or removed distribution changes it
    let newest: { readonly record: RawPath; readonly changed: bigint } | undefined;
    for (const folder of await distributions(site)) {
      const at = below(folder, "RECORD");
      const record = await readSmall(at, longestRecord, file.owner);
      if ("unread" in record) {
        footing.on(at); // one that is being installed gets it last
        continue;
      }
      const { changed } = record.stamp;
      if (newest === undefined || changed > newest.changed) newest = { record: at, changed };
      if (!entries.some((entry) => recordLists(record.bytes, entry))) continue;
      footing.on(at);
      footing.on(below(folder, "METADATA"));
      const distribution = await distributionIn(folder, file.owner);
      if (distribution !== undefined) return distribution;
    }
    if (newest !== undefined) footing.on(newest.record); // it may have been half written
  }
  return undefined;
}
