import { z } from "zod";

/** Bounds that both sides keep: a device sends no more, a server reads no more. */
export const reportLimits = {
  /** Events in one batch. */
  events: 500,
  /** Bytes of one batch as sent. */
  batchBytes: 1024 * 1024,
  /** Bytes of one event as JSON. */
  eventBytes: 256 * 1024,
  /** How deep an event may nest. */
  depth: 24,
} as const;

/** POST /api/v1/reports. Each event is judged by itself (`protocol/ocsf.ts`): a wrong one does not cost the others. */
export const reportBatchSchema = z.strictObject({
  events: z.array(z.unknown()).min(1).max(reportLimits.events),
});

export const reportAnswerSchema = z.object({
  /** `metadata.uid` of every event that is now on the server, from this batch or an earlier one. */
  stored: z.array(z.string()).max(reportLimits.events),
  /** How many of those were there already. */
  duplicates: z.number().int().nonnegative(),
  /** Events that this server will never take; sending them again is of no use. */
  refused: z
    .array(z.object({ index: z.number().int().nonnegative(), code: z.string().max(64), message: z.string().max(1024) }))
    .max(reportLimits.events),
});
export type ReportAnswer = z.infer<typeof reportAnswerSchema>;

/** POST /api/v1/requests: a person asks, through their device, to go on using a banned tool. Stored once per (device, id). */
export const exceptionRequestSchema = z.strictObject({
  id: z.uuidv7(),
  ban: z.string().min(1).max(4096),
  /** Login name. */
  person: z.string().min(1).max(256),
  reason: z.string().min(1).max(4096),
  /** ISO 8601, when the person asked. */
  at: z.iso.datetime({ offset: true }),
});
export type ExceptionRequest = z.infer<typeof exceptionRequestSchema>;

export const requestAnswerSchema = z.object({ id: z.string(), created: z.boolean() });
export type RequestAnswer = z.infer<typeof requestAnswerSchema>;
