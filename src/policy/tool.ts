import { z } from "zod";
import { globProblem } from "#lib/pure/glob.ts";
import { needleSchema } from "#policy/evidence.ts";
import { idSchema, linkSchema, osesSchema, osSchema, wordsSchema } from "#policy/text.ts";

/**
 * Who installs. `msix`: a package family's name; `arp`: a key below Windows' Uninstall ("Add or remove programs"); `bundle`: the
 * identifier of an application of macOS; `appimage`: the project of GitHub that it takes its updates from; `go`: a module, or a
 * main package in one.
 */
export const ecosystems = [
  "npm",
  "pypi",
  "conda",
  "brew",
  "cask",
  "winget",
  "scoop",
  "choco",
  "msstore",
  "msix",
  "arp",
  "mas",
  "bundle",
  "deb",
  "rpm",
  "apk",
  "pacman",
  "aur",
  "snap",
  "flatpak",
  "appimage",
  "cargo",
  "go",
  "gem",
  "nuget",
  "composer",
  "nix",
] as const;

const hosts = [
  "vscode",
  "visualstudio",
  "jetbrains",
  "chrome",
  "edge",
  "firefox",
  "safari",
  "zed",
  "neovim",
  "sublime",
  "obsidian",
  "raycast",
] as const;

const gradeSchema = z.enum(["proof", "hint"]);
const text = z.string().min(1);

/** What every identity may say besides. `source` names where the fact comes from. */
const common = {
  grade: gradeSchema.optional(),
  os: osesSchema.optional(),
  source: text.optional(),
  note: text.optional(),
};
/** A name or a config folder can inform, never prove. */
const hintOnly = { ...common, grade: z.literal("hint").optional() };

const packageIdentity = z.strictObject({
  kind: z.literal("package"),
  ecosystem: z.enum(ecosystems),
  id: text,
  ...common,
});
const extensionIdentity = z.strictObject({ kind: z.literal("extension"), host: z.enum(hosts), id: text, ...common });
const signerIdentity = z
  .strictObject({
    kind: z.literal("signer"),
    /** macOS: the team and the code's own identifier. */
    teamId: text.optional(),
    signingId: text.optional(),
    /** Windows: the certificate's common name and the product name of the version resource. */
    subject: text.optional(),
    product: text.optional(),
    ...common,
  })
  .refine((s) => (s.teamId === undefined) !== (s.subject === undefined), {
    error: "either teamId (macOS) or subject (Windows)",
  })
  .refine((s) => (s.teamId === undefined ? s.signingId === undefined : s.product === undefined), {
    error: "signingId beside teamId, or product beside subject",
  })
  .refine((s) => s.grade !== "proof" || s.signingId !== undefined || s.product !== undefined, {
    path: ["grade"],
    error: "hint: one publisher signs many products, only signingId or product makes it proof",
  });
const hashIdentity = z.strictObject({
  kind: z.literal("hash"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: "64 small hexadecimal digits" }),
  /** Bytes: only files of this size are hashed at all. */
  size: z.int().min(1),
  ...common,
});
const markerIdentity = z
  .strictObject({
    kind: z.literal("marker"),
    bytes: z.string().min(8, { error: "at least 8 characters: shorter ones stand in innocent programs" }),
    encoding: z.enum(["utf8", "utf16le"]).default("utf8"),
    where: z.enum(["anywhere", "elf-section", "tail"]).default("anywhere"),
    section: text.optional(),
    /** Strings of forks and of approved tools: where one of them stands, this is not the tool. */
    absent: z.array(needleSchema).readonly().optional(),
    ...common,
  })
  .refine((m) => (m.where === "elf-section") === (m.section !== undefined), {
    path: ["section"],
    error: "a section where and only where `where` is elf-section",
  });
const globSchema = z.string().superRefine((glob, context) => {
  const problem = globProblem(glob) ?? (/^(?:\/|~\/|\*\*\/|[A-Za-z?]:\/)/.test(glob) ? undefined : "it begins nowhere");
  if (problem !== undefined)
    context.addIssue({
      code: "custom",
      message: `a glob that begins with /, ~/, **/ or C:/ and writes / between folders (${problem})`,
    });
});
const pathIdentity = z.strictObject({ kind: z.literal("path"), glob: globSchema, ...common });
const nameIdentity = z.strictObject({
  kind: z.literal("name"),
  name: z.string().regex(/^[^/\\]+$/, { error: "a name without folders" }),
  ...hintOnly,
});
const configIdentity = z.strictObject({
  kind: z.literal("config"),
  path: z.string().regex(/^(?:\/|~\/|[A-Za-z]:\/)[^*?{}\\]+$/, {
    error: "a path without wildcards that begins with /, ~/ or C:/",
  }),
  ...hintOnly,
});

/** One way to recognise a tool. Grade by default: path, name and config hint, and so does a publisher alone; the rest prove. */
export const identitySchema = z.discriminatedUnion("kind", [
  packageIdentity,
  extensionIdentity,
  signerIdentity,
  hashIdentity,
  markerIdentity,
  pathIdentity,
  nameIdentity,
  configIdentity,
]);
export type Identity = z.infer<typeof identitySchema>;

/** Where a tool reads settings that an administrator makes for everybody on the machine. */
const managedSettingsSchema = z
  .strictObject({
    os: osSchema,
    path: z.string().regex(/^(?:\/|~\/|[A-Z]:\/|HK(?:LM|CU)\\)[^*?{}]+$/, {
      error: "a file or folder that begins with /, ~/ or C:/, or a registry key that begins with HKLM\\ or HKCU\\",
    }),
    format: z.enum(["json", "toml", "yaml", "plist", "registry"]),
    source: text,
    note: text.optional(),
  })
  .refine((s) => s.path.startsWith("HK") === (s.format === "registry"), {
    path: ["format"],
    error: "registry where and only where the path is a registry key",
  })
  .refine((s) => s.format !== "registry" || s.os === "windows", {
    path: ["os"],
    error: "windows: it has the registry",
  });

/** A tool as an organisation may define it in its own policy. */
export const toolSchema = z.strictObject({
  $schema: z.string().optional(),
  id: idSchema,
  name: wordsSchema,
  vendor: wordsSchema.optional(),
  homepage: linkSchema.optional(),
  category: text.optional(),
  /** Other names people know it by. */
  aliases: z.array(text).readonly().default([]),
  identities: z.array(identitySchema).readonly(),
  /** What looks like it and is not. */
  relatedBenign: z
    .array(z.union([text, z.strictObject({ name: text, why: text.optional(), source: text.optional() })]))
    .readonly()
    .default([]),
  /** What people type for this tool → what they type for that one. */
  equivalents: z
    .array(z.strictObject({ tool: idSchema, from: wordsSchema, to: wordsSchema }))
    .readonly()
    .default([]),
  /** Where its vendor lets an administrator restrict it, instead of banning it. */
  managedSettings: z.array(managedSettingsSchema).readonly().default([]),
});
export type Tool = z.infer<typeof toolSchema>;

/** A tool of the catalog: its paths are nobody's word, so they stay hints. */
export const catalogToolSchema = toolSchema.superRefine((tool, context) => {
  for (const [i, identity] of tool.identities.entries())
    if (identity.kind === "path" && identity.grade === "proof")
      context.addIssue({
        code: "custom",
        path: ["identities", i, "grade"],
        message: "hint: only a policy's own tools may raise a path to proof",
      });
});

export const catalogSchema = z.strictObject({
  $schema: z.string().optional(),
  formatVersion: z.literal(1).default(1),
  tools: z.array(catalogToolSchema).readonly(),
});

export interface Catalog {
  readonly formatVersion: 1;
  readonly tools: readonly Tool[];
}

/** The weight an identity has when it matches: its own word, or its kind's. */
export function gradeOf(identity: Identity): "proof" | "hint" {
  if (identity.grade !== undefined) return identity.grade;
  switch (identity.kind) {
    case "package":
    case "extension":
    case "hash":
    case "marker":
      return "proof";
    case "signer":
      return identity.signingId !== undefined || identity.product !== undefined ? "proof" : "hint";
    case "path":
    case "name":
    case "config":
      return "hint";
    default:
      return identity satisfies never;
  }
}

/** Read in the bytes themselves, or said by something beside them. */
export function isIntrinsic(kind: Identity["kind"]): boolean {
  return kind === "hash" || kind === "marker" || kind === "signer";
}
