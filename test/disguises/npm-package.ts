import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { basename, dirname, join, relative } from "node:path";
import type { Place } from "./place.ts";

const scope = "@edict-parrots";

export interface NpmPackage {
  readonly id: string;
  readonly folder: string;
  /** The link in the prefix's bin folder. */
  readonly bin: string;
  /** Where the link leads. */
  readonly entry: string;
}

/** Installs one file as a global npm package with one command, as `npm install --global` lays it out. */
export function installPackage(place: Place, options: { name: string; file: string; content: string }): NpmPackage {
  const id = `${scope}/${options.name}`;
  const prefix = join(place.home, ".npm-global");
  const folder = join(prefix, "lib/node_modules", id);
  const [entry, bin] = [join(folder, options.file), join(prefix, "bin", `parrot-${options.name}`)];
  mkdirSync(dirname(entry), { recursive: true });
  mkdirSync(dirname(bin), { recursive: true });
  copyFileSync(options.content, entry);
  chmodSync(entry, 0o755);
  writeManifest(folder, id, { bin: { [basename(bin)]: options.file }, type: "module" });
  symlinkSync(relative(dirname(bin), entry), bin);
  return { id, folder, bin, entry };
}

/** The package of one platform, whose program npm hard-links to the command's: two paths, one inode. */
export function addPlatformPackage({ id, folder, entry }: NpmPackage): string {
  const platform = `${id}-linux-x64`;
  const inner = join(folder, "node_modules", platform);
  mkdirSync(inner, { recursive: true });
  linkSync(entry, join(inner, "parrot"));
  writeManifest(inner, platform, { os: ["linux"], cpu: ["x64"] });
  return platform;
}

export function writeManifest(folder: string, name: string, rest: object = {}): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ name, version: "1.0.0", ...rest }, null, 2)}\n`);
}

/** The identity of exactly these bytes. */
export function hashOf(file: string): { readonly kind: "hash"; readonly sha256: string; readonly size: number } {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { kind: "hash", sha256, size: statSync(file).size };
}

/** A source of the parrots with this run's marker in it, where a build can take it. */
export function source(place: Place, name: string, marker: string): string {
  const text = readFileSync(new URL(`parrots/${name}`, import.meta.url), "utf8");
  const folder = join(place.base, "sources");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, text.replaceAll("@MARKER@", marker));
  return file;
}
