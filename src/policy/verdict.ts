import { z } from "zod";

/** Ordered from free to strict. `allow` is the safe default. */
export const modes = ["allow", "observe", "notify", "warn", "block", "remove"] as const;
export type Mode = (typeof modes)[number];
export type Grade = "proof" | "hint";
const identityKinds = ["package", "signer", "hash", "marker", "extension", "path", "name", "config"] as const;
export type IdentityKind = (typeof identityKinds)[number];
const rules = [
  "vital",
  "approved",
  "no-identity",
  "identity",
  "scope",
  "stage",
  "exception",
  "acknowledged",
  "replacement",
  "breaker",
  "grade",
  "strictest",
  "emergency",
  "unread",
] as const;

/** One step of the order of decision that mattered, with words a person understands. */
export interface Reason {
  readonly rule: (typeof rules)[number];
  readonly kind?: IdentityKind | undefined;
  readonly text: string;
}

/** What a person is told about a ban. One frozen value a ban, shared by all its verdicts. */
export interface Notice {
  /** The banned tool's name for people. */
  readonly tool: string;
  readonly reason: string;
  readonly reference?: string | undefined;
  readonly owner?: string | undefined;
  /** BCP 47 language tag → the administrator's own words. */
  readonly message: Readonly<Record<string, string>>;
  /** The replacement's name for people. */
  readonly replacement?: string | undefined;
  readonly url?: string | undefined;
  /** The command a person would have typed → the replacement's. */
  readonly equivalents: readonly { readonly from: string; readonly to: string }[];
  /** How long a process that runs already may go on, in milliseconds. */
  readonly grace: number;
  /** How long an acknowledged warning holds, in milliseconds. */
  readonly warnFor: number;
  readonly strict: boolean;
  /** Whether an exception can be asked for at all. */
  readonly exceptions: boolean;
  /** Toasts a day for this ban and person. */
  readonly notifyPerDay: number;
}

/** A value that carries its reasons (law 1). Null where there is nothing to say. */
export interface Verdict {
  /** The ids of the evidence it rests on. */
  readonly evidence: readonly string[];
  readonly mode: Mode;
  readonly ban: string | null;
  readonly tool: string | null;
  readonly grade: Grade | null;
  /** Index into the ban's stages. */
  readonly stage: number | null;
  /** Since when that stage holds, ISO 8601. */
  readonly since: string | null;
  readonly because: readonly Reason[];
  readonly replacement: { readonly tool: string; readonly url?: string | undefined } | null;
  readonly exception: { readonly until: string; readonly reason?: string | undefined } | null;
  readonly notice: Notice | null;
}

const stopping: ReadonlySet<Mode> = new Set(["warn", "block", "remove"]);

export function asksForStop(mode: Mode): boolean {
  return stopping.has(mode);
}

/** What a verdict says where no ban is behind it. */
export const nobodys = Object.freeze({
  ban: null,
  tool: null,
  grade: null,
  stage: null,
  since: null,
  replacement: null,
  exception: null,
  notice: null,
});

/** Whether it asks for a stop, and may: a mode that stops, of a ban, proven (law 3: hints never block). */
export function stops({ mode, ban, grade }: Pick<Verdict, "mode" | "ban" | "grade">): boolean {
  return asksForStop(mode) && ban !== null && grade === "proof";
}

const noticeSchema = z.strictObject({
  tool: z.string(),
  reason: z.string(),
  reference: z.string().optional(),
  owner: z.string().optional(),
  message: z.record(z.string(), z.string()),
  replacement: z.string().optional(),
  url: z.string().optional(),
  equivalents: z.array(z.strictObject({ from: z.string(), to: z.string() })).readonly(),
  grace: z.number(),
  warnFor: z.number(),
  strict: z.boolean(),
  exceptions: z.boolean(),
  notifyPerDay: z.number(),
});

/** A verdict that another process of ours has come to. */
export const verdictSchema = z.strictObject({
  evidence: z.array(z.string()).readonly(),
  mode: z.enum(modes),
  ban: z.string().nullable(),
  tool: z.string().nullable(),
  grade: z.enum(["proof", "hint"]).nullable(),
  stage: z.number().nullable(),
  since: z.string().nullable(),
  because: z
    .array(z.strictObject({ rule: z.enum(rules), kind: z.enum(identityKinds).optional(), text: z.string() }))
    .readonly(),
  replacement: z.strictObject({ tool: z.string(), url: z.string().optional() }).nullable(),
  exception: z.strictObject({ until: z.string(), reason: z.string().optional() }).nullable(),
  notice: noticeSchema.nullable(),
}) satisfies z.ZodType<Verdict>;
