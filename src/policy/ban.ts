import { z } from "zod";
import { toolSchema, type Tool } from "#policy/tool.ts";
import { durationSchema, idSchema, instantSchema, linkSchema, osSchema, wordsSchema } from "#policy/text.ts";

export const policyBounds = {
  /** Bytes. */
  policy: 64 * 1024 * 1024,
  catalog: 256 * 1024 * 1024,
  bans: 100_000,
  identities: 1_000_000,
  /** Of one group: so many that nothing else waits for them, whoever has the group's key. */
  groupBans: 1000,
  groupIdentities: 10_000,
  /** Bytes of one group's policy, of one shard of the server's exceptions, of who is in which group (trust/limits.ts has the same). */
  group: 8 * 1024 * 1024,
  exceptions: 4 * 1024 * 1024,
  devices: 128 * 1024 * 1024,
  /** Groups that have members. */
  groups: 4096,
} as const;

const text = z.string().min(1);

const stageSchema = z.strictObject({
  from: instantSchema,
  /** No stage allows: a ban that is over is taken out of the policy. */
  mode: z.enum(["observe", "notify", "warn", "block", "remove"]),
});

const scopeSchema = z.strictObject({
  /** The device is in one of them. */
  groups: z.array(text).readonly().optional(),
  os: z.array(osSchema).readonly().optional(),
  /** Of all devices; which ones is settled by the ban's id and the device's. */
  percent: z.number().min(0).max(100).optional(),
});

const replacementSchema = z.strictObject({
  tool: idSchema,
  url: linkSchema.optional(),
  /** `required`: no further than notify where the replacement was never installed. */
  ready: z.enum(["preferred", "required"]).default("preferred"),
  equivalents: z
    .array(z.strictObject({ from: wordsSchema, to: wordsSchema }))
    .readonly()
    .optional(),
});

/** BCP 47 language tag → words. */
const messageSchema = z.record(
  z.string().regex(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/, { error: "a language tag such as en or zh-CN" }),
  wordsSchema,
);

export const banSchema = z.strictObject({
  id: idSchema,
  tool: idSchema,
  reason: wordsSchema.optional(),
  reference: linkSchema.optional(),
  owner: wordsSchema.optional(),
  /** Before the first the ban does not exist. */
  stages: z.array(stageSchema).min(1).max(64).readonly(),
  scope: scopeSchema.optional(),
  replacement: replacementSchema.optional(),
  /** A session that runs already is told, and stopped when the grace is over. */
  running: z.strictObject({ grace: durationSchema }).optional(),
  /** `max` counts from the first grant; "never": none can be asked for. */
  exceptions: z.union([z.strictObject({ max: durationSchema }), z.literal("never")]).optional(),
  message: messageSchema.optional(),
  /** How long an acknowledged warning holds. */
  warn: z.strictObject({ for: durationSchema }).optional(),
  /** The gate also denies readers that are no interpreters. */
  strict: z.boolean().optional(),
});
/** `group`: whose policy it comes from, where that is not the base policy. Nobody writes it: merging does. */
export type Ban = z.infer<typeof banSchema> & { readonly group?: string };

export const exceptionSchema = z
  .strictObject({
    ban: idSchema,
    /** A login name. */
    person: text.optional(),
    device: text.optional(),
    group: text.optional(),
    until: instantSchema,
    /** The first grant: what the ban's `exceptions.max` counts from. */
    granted: instantSchema.optional(),
    reason: wordsSchema.optional(),
  })
  .refine((e) => [e.person, e.device, e.group].filter((who) => who !== undefined).length === 1, {
    error: "exactly one of person, device and group",
  });
/** `by`: the server granted it, in the exceptions role; nobody writes it. It counts from its grant on, and not before. */
export type Exception = z.infer<typeof exceptionSchema> & { readonly by?: "server" };

const breaker = { programs: 20, window: "PT1M" };
export const limitsSchema = z.strictObject({
  /** Toasts for each ban and person; a denial always prints in the terminal. */
  notifyPerDay: z.int().min(0).max(1000).default(3),
  breaker: z
    .strictObject({
      programs: z.int().min(1).default(breaker.programs),
      window: durationSchema.default(breaker.window),
    })
    .default(breaker),
});
export type Limits = z.infer<typeof limitsSchema>;

/** A policy as an administrator writes it; keys nobody knows are errors. */
export const policySchema = z.strictObject({
  $schema: z.string().optional(),
  formatVersion: z.literal(1).default(1),
  name: wordsSchema,
  bans: z.array(banSchema).readonly(),
  /** The organisation's own tools, in the catalog's form; they go before the catalog's of the same id. */
  tools: z.array(toolSchema).readonly().default([]),
  /** Tools that are approved besides the bans' replacements. */
  allow: z.array(idSchema).readonly().default([]),
  /** A policy without bans must say that it means it. */
  allowEmpty: z.boolean().default(false),
  exceptions: z.array(exceptionSchema).readonly().default([]),
  limits: limitsSchema.default({ notifyPerDay: 3, breaker }),
});

/** A ban, or another part, of a newer policy that this program does not understand. */
export interface Disabled {
  readonly path: string;
  readonly why: string;
}

export interface Policy {
  /** What the text said; greater than 1 only where a newer policy is tolerated. */
  readonly formatVersion: number;
  readonly name: string;
  readonly bans: readonly Ban[];
  readonly tools: readonly Tool[];
  readonly allow: readonly string[];
  readonly allowEmpty: boolean;
  readonly exceptions: readonly Exception[];
  readonly limits: Limits;
  /** Bans of a newer policy that are not enforced here. */
  readonly disabled: readonly (Disabled & { readonly ban: string | null })[];
  /** Other parts of a newer policy that are left out here. */
  readonly ignored: readonly Disabled[];
}

/** Nothing is banned: what holds where there is no policy yet. */
export const noPolicy: Policy = Object.freeze({
  formatVersion: 1,
  name: "none",
  bans: [],
  tools: [],
  allow: [],
  allowEmpty: true,
  exceptions: [],
  limits: limitsSchema.parse({}),
  disabled: [],
  ignored: [],
});
