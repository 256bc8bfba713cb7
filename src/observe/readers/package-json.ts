import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";

/** A manifest is read up to this many bytes; npm itself refuses names over 214 characters. */
export const longestManifest = 1024 * 1024;

const text = z.string().min(1).max(4096);
const manifestSchema = z.object({
  name: text,
  version: text.optional().catch(undefined),
  /** VS Code's: an extension is publisher.name. */
  publisher: text.optional().catch(undefined),
  bin: z
    .union([text, z.record(z.string(), text)])
    .optional()
    .catch(undefined),
});

export interface Manifest {
  readonly name: string;
  readonly version: string | undefined;
  readonly publisher: string | undefined;
  /** Paths of its programs, relative to its folder, as written. */
  readonly programs: readonly string[];
  /** What those are to be called. */
  readonly commands: readonly string[];
}

/** A package.json of npm or of a VS Code extension; undefined where it is none. Other keys are not looked at. */
export function parsePackageJson(bytes: Uint8Array): Manifest | undefined {
  const json = parseJson(bytes);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { name, version, publisher, bin } = parsed.data;
  const bins = bin === undefined ? {} : typeof bin === "string" ? { [name.replace(/^@[^/]*\//, "")]: bin } : bin;
  return { name, version, publisher, programs: Object.values(bins), commands: Object.keys(bins) };
}

/** What editors call an extension: "publisher.name". */
export function extensionId(manifest: Manifest): string | undefined {
  return manifest.publisher === undefined ? undefined : `${manifest.publisher}.${manifest.name}`.toLowerCase();
}
