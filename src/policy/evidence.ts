import { z } from "zod";

/** What an identity kind read as. Unknown is a value: `unread` never counts as `absent` (law 2). */
const reading = <T extends z.ZodType>(value: T) =>
  z.union([
    z.strictObject({ value: z.array(value).min(1).readonly() }),
    z.strictObject({ absent: z.literal(true) }),
    z.strictObject({ unread: z.string() }),
  ]);

export type Reading<T> = { readonly value: readonly T[] } | { readonly absent: true } | { readonly unread: string };

/** A string that may be searched in a program: from a marker's `bytes`, or one of those that must be absent. */
export const needleSchema = z.union([
  z
    .string()
    .min(1)
    .transform((bytes) => ({ bytes, encoding: "utf8" as const, where: "anywhere" as const })),
  z.strictObject({
    bytes: z.string().min(1),
    encoding: z.enum(["utf8", "utf16le"]).default("utf8"),
    where: z.enum(["anywhere", "elf-section", "tail"]).default("anywhere"),
    /** The section's name where `where` is elf-section, such as ".bun". */
    section: z.string().optional(),
  }),
]);
export type Needle = {
  readonly bytes: string;
  readonly encoding: "utf8" | "utf16le";
  readonly where: "anywhere" | "elf-section" | "tail";
  readonly section?: string | undefined;
};

export const packageSeen = z.strictObject({
  ecosystem: z.string().min(1),
  id: z.string().min(1),
  version: z.string().optional(),
});
const extensionSeen = z.strictObject({ host: z.string(), id: z.string(), version: z.string().optional() });
const signerSeen = z.strictObject({
  teamId: z.string().optional(),
  signingId: z.string().optional(),
  subject: z.string().optional(),
  product: z.string().optional(),
  /** Everybody can have signed it so: no authority that we know stands behind the certificate. */
  unrooted: z.literal(true).optional(),
});
export const signerReading = reading(signerSeen);

export type SignerSeen = z.infer<typeof signerSeen>;
export type PackageSeen = z.infer<typeof packageSeen>;
export type ExtensionSeen = z.infer<typeof extensionSeen>;

const notGiven = { unread: "not given" };
/** What was read of one file, kind by kind. A kind that a JSON text leaves out is unread. */
export const seenSchema = z.strictObject({
  package: reading(packageSeen).default(notGiven),
  extension: reading(extensionSeen).default(notGiven),
  signer: signerReading.default(notGiven),
  /** Lower-case hexadecimal SHA-256. */
  hash: reading(z.string()).default(notGiven),
  /** The wanted needles that were found; all others were looked for and are not there. */
  marker: reading(needleSchema).default(notGiven),
  /** Absolute real paths. */
  path: reading(z.string()).default(notGiven),
  /** Base names of the program and the script, and argv[0]'s. */
  name: reading(z.string()).default(notGiven),
  /** Config files and folders of tools that exist, as absolute paths. */
  config: reading(z.string()).default(notGiven),
});
export type Seen = z.infer<typeof seenSchema>;

/** Device is "major:minor" and inode is decimal text: both can pass 2^53. Size in bytes, owner a uid. */
export const fileSeenSchema = z.strictObject({
  path: z.string(),
  /** Base64 of the path's bytes, only where they are not UTF-8. */
  pathBytes: z.string().optional(),
  dev: z.string().optional(),
  ino: z.string().optional(),
  size: z.number().optional(),
  nlink: z.number().optional(),
  owner: z.number().optional(),
  /** The engine whose container or image it lies in, or whose container the process that runs it is in, such as "docker". */
  container: z.string().optional(),
});
export type FileSeen = z.infer<typeof fileSeenSchema>;

export const processSeenSchema = z.strictObject({
  pid: z.number(),
  /** Clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). It survives exec. */
  start: z.number(),
  /** The same as ISO 8601, where the platform can say it. */
  startedAt: z.string().optional(),
  ppid: z.number().optional(),
  /** Session id: field 6 of /proc/PID/stat. */
  session: z.number().optional(),
  uid: z.number().optional(),
  user: z.string().optional(),
  /** /dev/pts/N or another terminal device; null where it has none. */
  tty: z.string().nullable().optional(),
  argv: z.array(z.string()).optional(),
  cwd: z.string().optional(),
});
export type ProcessSeen = z.infer<typeof processSeenSchema>;

/**
 * One thing that was seen. `exec`: started while this policy was in force (or about to start, at the gate); `process`:
 * was running already; `installed`: a package, extension or app; `file`: a file that nobody started.
 * Where a program runs a script, `file` is the program, `script` the file it runs, `seen` what was read of the script,
 * and `interpreter` what was read of the program itself. Otherwise `seen` is of `file`.
 */
export const evidenceSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(["exec", "process", "installed", "file"]),
  at: z.string().optional(),
  file: fileSeenSchema.optional(),
  process: processSeenSchema.optional(),
  script: fileSeenSchema.optional(),
  seen: seenSchema,
  interpreter: seenSchema.optional(),
});
export type Evidence = z.infer<typeof evidenceSchema>;
