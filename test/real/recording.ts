import { lstatSync, mkdirSync, readFileSync, readlinkSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { attributed } from "#observe/seen.ts";
import { needleSchema, type Needle } from "#policy/evidence.ts";
import { sectioned } from "../observe/sectioned.ts";
import { layouts, manifestOf, type Laid } from "./layouts.ts";
import { catalog, type Finding } from "./look.ts";
import type { RealTool } from "./tools.ts";

const entrySchema = z.union([
  z.strictObject({ path: z.string(), link: z.string() }),
  z.strictObject({ path: z.string(), manifest: z.looseObject({ name: z.string(), version: z.string() }) }),
  /** A file that can be run: how large it is, and which of the catalog's strings stand in it. */
  z.strictObject({ path: z.string(), size: z.number(), markers: z.array(needleSchema).readonly() }),
]);
type Entry = z.infer<typeof entrySchema>;

/** What one tool looked like where it was installed: names, links, sizes and manifests, and nothing of its code. */
export const recordingSchema = z.strictObject({
  tool: z.string(),
  npm: z.string(),
  version: z.string(),
  recorded: z.string(),
  layouts: z.array(
    z.strictObject({
      layout: z.enum(layouts),
      /** What the audit said of the tool; null where it could not know it. */
      says: z
        .strictObject({ grade: z.enum(["proof", "hint"]), version: z.string().nullable(), where: z.string() })
        .nullable(),
      entries: z.array(entrySchema).readonly(),
    }),
  ),
});
export type Recording = z.infer<typeof recordingSchema>;

const folder = join(import.meta.dirname, "recordings");
const everything = matcherOfEverything(catalog);
const identifier = new Identifier({
  wanted: everything.wanted,
  dpkg: new DpkgDatabase("/nowhere"),
  clock: systemClock,
});

/** Every recording there is. */
export function recordings(): readonly Recording[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.map((name) => recordingSchema.parse(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}

/** Writes down what was seen, where EDICT_REAL_RECORD asks for it. */
export async function record(
  { tool, npm }: RealTool,
  version: string,
  laid: readonly (Laid & { readonly own: Finding | undefined })[],
): Promise<void> {
  if (process.env["EDICT_REAL_RECORD"] === undefined) return;
  const seen = [];
  for (const { layout, folder: at, own } of laid) {
    const says = own === undefined ? null : { grade: own.grade, version: own.version, where: relative(at, own.where) };
    seen.push({ layout, says, entries: await entriesOf(at) });
  }
  const recorded = new Date().toISOString().slice(0, "2026-07-10".length);
  const recording: Recording = { tool, npm, version, recorded, layouts: seen };
  writeFileSync(join(folder, `${tool}.json`), `${JSON.stringify(recording, null, 2)}\n`);
}

/** The packages of the catalog below a folder, what can be run of them, and the links that lead there. */
async function entriesOf(base: string): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  const packages: string[] = [];
  const all = readdirSync(base, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of all.filter((entry) => entry.isFile() && entry.name === "package.json")) {
    if (!/\/node_modules\/(?:@[^/]+\/)?[^/]+$/.test(parentPath)) continue;
    const { version, bin, name: id, os, cpu } = manifestOf(parentPath);
    const seen = attributed({ package: { ecosystem: "npm", id } });
    if (everything.claims(seen, "linux").length === 0) continue;
    packages.push(parentPath);
    const rest = Object.fromEntries(Object.entries({ bin, os, cpu }).filter(([, value]) => value !== undefined));
    found.push({ path: relative(base, join(parentPath, name)), manifest: { name: id, version, ...rest } });
  }
  for (const entry of all) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink() && isNear(path, base))
      found.push({ path: relative(base, path), link: readlinkSync(path) });
    if (!entry.isFile() || (lstatSync(path).mode & 0o111) === 0) continue;
    if (packages.length > 0 && !packages.some((one) => path.startsWith(`${one}/`))) continue;
    const markers = await markersOf(path);
    if (markers.length > 0 || dirname(path) === base)
      found.push({ path: relative(base, path), size: lstatSync(path).size, markers });
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Commands, and pnpm's links at the top. */
function isNear(path: string, base: string): boolean {
  return relative(base, path).split("/").length <= 3;
}

async function markersOf(path: string): Promise<readonly Needle[]> {
  const raw = rawFromText(path);
  const found = raw === undefined ? undefined : await identifier.file(raw);
  return found !== undefined && "seen" in found && "value" in found.seen.marker ? found.seen.marker.value : [];
}

/** Lays out again what was recorded: manifests and links as they were, programs as small files with the same strings in the same sections. */
export function replay(entries: readonly Entry[], into: string): void {
  mkdirSync(into, { recursive: true });
  for (const entry of entries) {
    const path = join(into, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    if ("link" in entry) symlinkSync(entry.link, path);
    else if ("manifest" in entry) writeFileSync(path, JSON.stringify(entry.manifest));
    else writeFileSync(path, programOf(entry.markers), { mode: 0o755 });
  }
}

const room = 4_096;

function programOf(markers: readonly Needle[]): Buffer {
  const names = [...new Set(markers.flatMap(({ section }) => section ?? []))];
  const behind = markers
    .filter(({ section }) => section === undefined)
    .map(({ bytes, encoding }) => Buffer.from(bytes, encoding));
  const tail = Buffer.concat(behind.flatMap((bytes) => [Buffer.of(0), bytes, Buffer.of(0)]));
  if (names.length === 0) return Buffer.concat([Buffer.from("#!/bin/sh\n"), tail]);
  const wanted = names.map((name, i) => ({ name, offset: 64 + i * room, size: room }));
  const { bytes, sections } = sectioned(64 + (names.length + 1) * room, wanted, tail.toString("latin1"));
  for (const { name, offset } of sections) {
    const own = markers.filter(({ section }) => section === name).map((one) => Buffer.from(one.bytes, one.encoding));
    Buffer.concat(own.flatMap((one) => [one, Buffer.of(0)])).copy(bytes, offset);
  }
  return bytes;
}
