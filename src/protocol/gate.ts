import { z } from "zod";
import { deviceSchema } from "#policy/device.ts";
import { evidenceSchema, fileSeenSchema, processSeenSchema, seenSchema } from "#policy/evidence.ts";
import { verdictSchema } from "#policy/verdict.ts";

/**
 * Agent ⇄ its gate process: one JSON object a line over one socket pair. Both ends are ours; the lines are checked all the
 * same, as a torn one must not become an answer.
 */

const marks = {
  devices: z.array(z.string()).readonly(),
  left: z.array(z.strictObject({ path: z.string(), why: z.string() })).readonly(),
};

/** What the gate judges by, besides the policy. `now` in milliseconds since the epoch: the gate has no clock of its own. */
const standing = {
  device: deviceSchema,
  now: z.number(),
  /** Login names by uid. */
  people: z.array(z.tuple([z.number(), z.string()])).readonly(),
};

const owner = seenSchema.pick({ package: true, extension: true });

const length = z.int().nonnegative();

/** What follows the first line, each as that many bytes, in this order. */
const lengths = {
  policy: length,
  catalog: length,
  /** Policies of groups, by the group's name. */
  groups: z.array(z.tuple([z.string(), length])).readonly(),
  /** Null where the server has granted nothing here. */
  exceptions: length.nullable(),
};

/** The first line. */
export const beginSchema = z.strictObject({
  say: z.literal("begin"),
  ...lengths,
  version: z.int().nonnegative(),
  failClosed: z.boolean(),
  /** The agent's own pid: what it opens and starts does not wait for it. */
  agent: z.int().positive(),
  /** Devices that gates stood still on. */
  leave: z.array(z.string()).readonly(),
  /** Mount points, where not everything is to be gated, and whether other namespaces' filesystems are. */
  only: z.strictObject({ mounts: z.array(z.string()).readonly(), elsewhere: z.boolean() }).optional(),
  ...standing,
});
export type Begin = z.infer<typeof beginSchema>;
/** What it says besides the lengths. */
export type Briefing = Omit<Begin, "say" | keyof typeof lengths>;

export const toGateSchema = z.discriminatedUnion("say", [
  /** Something that a verdict depends on has changed, or may have: nothing stays settled. */
  z.strictObject({ say: z.literal("standing"), ...standing }),
  z.strictObject({ say: z.literal("ping"), n: z.number(), now: z.number() }),
  /** A program was started on filesystems that the gate may not know. */
  z.strictObject({ say: z.literal("foreign"), pid: z.int().positive(), dev: z.string() }),
  /** The devices that are left out from now on: fewer than before, the others are tried again. */
  z.strictObject({ say: z.literal("leave"), devices: z.array(z.string()).readonly() }),
  /** More files of banned tools that interpreters and loaders open. */
  z.strictObject({
    say: z.literal("entries"),
    entries: z.array(z.strictObject({ path: z.string(), dev: z.string(), ino: z.string() })).readonly(),
  }),
  /** What the gate asked: who owns a file; undefined where its path does not lead to it. */
  z.strictObject({
    say: z.literal("owner"),
    ask: z.number(),
    seen: owner.optional(),
  }),
  /** What the gate asked: the login name of a uid, or the number itself where it has none; undefined while a directory service is slow. */
  z.strictObject({ say: z.literal("person"), ask: z.number(), name: z.string().optional() }),
  /** What the gate asked: who opens an entry file, where they open it to run it. */
  z.strictObject({
    say: z.literal("opener"),
    ask: z.number(),
    opening: z.strictObject({ process: processSeenSchema, file: fileSeenSchema, owner: owner.optional() }).optional(),
  }),
  /** Another gate has taken over. */
  z.strictObject({ say: z.literal("finish") }),
]);
export type ToGate = z.infer<typeof toGateSchema>;

/** How the gate is doing, since it began. */
const counts = {
  asked: z.number(),
  allowed: z.number(),
  denied: z.number(),
  /** Let go (or, where the machine fails closed, denied) because the answer was not found in time. */
  late: z.number(),
  /** Times that the kernel's queue was full. */
  overflows: z.number(),
  /** What it had to say and could not, as nobody read it. */
  unheard: z.number(),
  /** Questions that are being answered. */
  waiting: z.number(),
};

export const fromGateSchema = z.discriminatedUnion("say", [
  z.strictObject({ say: z.literal("ready"), ...marks }),
  z.strictObject({ say: z.literal("failed"), why: z.string() }),
  z.strictObject({ say: z.literal("pong"), n: z.number(), ...counts }),
  z.strictObject({ say: z.literal("marks"), ...marks }),
  /** Who owns this file? `path` in base64; the path counts only where it leads to this device and inode. */
  z.strictObject({
    say: z.literal("owner?"),
    ask: z.number(),
    path: z.string(),
    dev: z.string(),
    ino: z.string(),
  }),
  /** Who is this, whose program is about to be denied? An exception may be theirs. */
  z.strictObject({ say: z.literal("person?"), ask: z.number(), uid: z.number() }),
  /** Does this process, which opens an entry file, run it? */
  z.strictObject({
    say: z.literal("opener?"),
    ask: z.number(),
    pid: z.number(),
    path: z.string(),
    dev: z.string(),
    ino: z.string(),
  }),
  z.strictObject({ say: z.literal("denied"), evidence: evidenceSchema, verdict: verdictSchema }),
  /** It was not judged in time; `denied` only where the machine fails closed. */
  z.strictObject({ say: z.literal("late"), pid: z.number(), path: z.string(), why: z.string(), denied: z.boolean() }),
  z.strictObject({ say: z.literal("overflow") }),
]);
export type FromGate = z.infer<typeof fromGateSchema>;
