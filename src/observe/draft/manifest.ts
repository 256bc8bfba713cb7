import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";

/** More than any real package has. */
const mostPrograms = 16;
const mostBeside = 64;

/** Names that npm takes for a package (https://docs.npmjs.com/cli/configuring-npm/package-json#name), capitals of old ones included. */
const npmName = z
  .string()
  .max(214)
  .regex(/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i);
const text = z.string().min(1).max(4096);
const manifestSchema = z.object({
  name: npmName,
  version: z
    .string()
    .max(128)
    .regex(/^[\w.+-]+$/)
    .optional()
    .catch(undefined),
  homepage: text.optional().catch(undefined),
  bin: z
    .union([text, z.record(z.string(), text)])
    .optional()
    .catch(undefined),
  optionalDependencies: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/** What a package.json says that a draft is made of. */
export interface DraftManifest {
  readonly name: string;
  readonly version: string | undefined;
  readonly homepage: string | undefined;
  /** What people type → the program's path, relative to the package's folder, as written. */
  readonly programs: readonly (readonly [command: string, path: string])[];
  /** npm packages of the same tool for one system each. */
  readonly platforms: readonly string[];
}

/** Which systems a package's name may end with, in npm's words and in others'. */
const system = /[-_](?:linux|linuxmusl|darwin|macos|win32|windows)(?:[-_][a-z0-9]+)*$/;

/** Reads a package.json; undefined where it is none. */
export function parseDraftManifest(bytes: Uint8Array): DraftManifest | undefined {
  const parsed = manifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { name, version, homepage, bin = {}, optionalDependencies = {} } = parsed.data;
  const programs =
    typeof bin === "string" ? [[name.slice(name.lastIndexOf("/") + 1), bin] as const] : Object.entries(bin);
  const own = name.startsWith("@") ? `${name.slice(0, name.indexOf("/"))}/` : `${name}-`;
  // Released together: the same version, or a version of the same package ("npm:@openai/codex@0.169.0-linux-x64").
  const together = (wanted: unknown): boolean =>
    version !== undefined && typeof wanted === "string" && (wanted === version || wanted.includes(`@${version}-`));
  const platforms = Object.entries(optionalDependencies)
    .filter(
      ([id, wanted]) => (id.startsWith(own) || together(wanted)) && system.test(id) && npmName.safeParse(id).success,
    )
    .map(([id]) => id);
  return {
    name,
    version,
    homepage,
    programs: programs.filter(([command]) => /^[\w.-]{1,64}$/.test(command)).slice(0, mostPrograms),
    platforms: platforms.slice(0, mostBeside),
  };
}
