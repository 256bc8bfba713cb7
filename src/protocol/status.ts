import { z } from "zod";

/** One thing that was recorded about somebody, as it is shown to that person (law 9). */
export const entrySchema = z.object({
  id: z.string(),
  at: z.string(),
  /** Whose process or file it was; null where that is nobody's in particular. */
  uid: z.number().nullable(),
  did: z.string(),
  tool: z.string().nullable(),
  ban: z.string().nullable(),
  mode: z.string(),
  what: z.string(),
  because: z.array(z.string()),
  /** How the person was told; absent while that is still under way. */
  told: z.object({ terminal: z.string(), toast: z.string() }).optional(),
});
export type Entry = z.infer<typeof entrySchema>;

/** A health warning, as data: stable code, short title, a sentence that says what to do. */
export const warningSchema = z.object({
  code: z.string(),
  title: z.string(),
  severity: z.enum(["info", "warning", "error"]),
  text: z.string(),
});
export type Warning = z.infer<typeof warningSchema>;

const capability = z.union([z.object({ up: z.literal(true) }), z.object({ up: z.literal(false), why: z.string() })]);

/** One line of defence as it serves now, why it does not, and what that means for the person who reads. */
const line = z.object({ up: z.boolean(), why: z.string().nullable(), means: z.string() });

/** What `edict status` and `edict doctor` show. The asker's own pending stops and records; everybody's for root. */
export const statusSchema = z.object({
  version: z.string(),
  device: z.string(),
  since: z.string(),
  server: z.string().nullable(),
  enforcement: z.enum(["policy", "observe"]),
  policy: z.object({
    name: z.string(),
    version: z.number(),
    activatedAt: z.string().nullable(),
    bans: z.number(),
    /** Of the signed list: fresh, stale or very-stale; none before the first. */
    state: z.string(),
  }),
  /** Groups that this device is in: whether something signed says so, and whether bans of the group's own are in force. */
  groups: z.array(z.object({ name: z.string(), vouched: z.boolean(), bans: z.boolean() })),
  /** What this machine lets the agent do. */
  capabilities: z.record(z.string(), capability),
  /** What stands between a person and a banned program, first to last. */
  lines: z.object({ gate: line, stream: line, sweep: line }),
  /** Sweeps so far, processes in the last one, how many of them could not be read, and what is installed of interest. */
  watching: z.object({
    sweeps: z.number(),
    processes: z.number(),
    unreadable: z.number(),
    installed: z.number().nullable(),
    /** Starts that were told of, those gone before they could be read, and how often too many came at once; null without a stream. */
    execs: z.object({ told: z.number(), vanished: z.number(), lost: z.number() }).nullable(),
  }),
  warnings: z.array(warningSchema),
  pending: z.array(z.object({ pid: z.number(), ban: z.string(), until: z.string() })),
  recorded: z.array(entrySchema),
});
export type Status = z.infer<typeof statusSchema>;

/** One ban as it stands on this device for the person who asks. */
export const inForceSchema = z.object({
  name: z.string(),
  version: z.number(),
  bans: z.array(
    z.object({
      id: z.string(),
      /** The group whose policy it stands in; null for the base policy. */
      group: z.string().nullable(),
      tool: z.string(),
      mode: z.string(),
      since: z.string().nullable(),
      reason: z.string(),
      replacement: z.string().nullable(),
      next: z.object({ mode: z.string(), from: z.string() }).nullable(),
    }),
  ),
  /** What was signed and does not count on this device, in words. */
  conflicts: z.array(z.string()),
});
export type InForce = z.infer<typeof inForceSchema>;

/** The answer to `why`: sentences for a person, and the values they rest on. */
export const whySchema = z.object({
  lines: z.array(z.string()),
  verdict: z.unknown(),
  evidence: z.unknown(),
});
export type Why = z.infer<typeof whySchema>;
