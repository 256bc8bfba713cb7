import { z } from "zod";

/**
 * POST here is answered once the repository is another one than the device knows, and after a beat at the latest. It says "look
 * now", and nothing that anybody believes.
 */
export const wakePath = "/api/v1/wake";

/** Milliseconds that a server holds such a request at most. */
export const beatMs = 240_000;

/** Which repository there is: a word of the server's own, to be told apart from others and for nothing else. */
const edition = z.string().min(1).max(64);

export const wakeRequestSchema = z.strictObject({
  /** What the last answer said; left out at first, which is answered at once. */
  known: edition.optional(),
});

export const wakeAnswerSchema = z.object({ edition });
export type WakeAnswer = z.infer<typeof wakeAnswerSchema>;
