import { z } from "zod";

/** Agent ⇄ the per-user process that draws toasts: one JSON object a line, over the helper's standard input and output. */
export const toastSchema = z.strictObject({
  type: z.literal("toast"),
  id: z.string(),
  title: z.string(),
  body: z.string(),
  /** What the buttons say, in order. The text must make sense without them: some servers draw none. */
  actions: z.array(z.strictObject({ key: z.enum(["open", "request", "why", "continue"]), label: z.string() })),
  /** Opened, by the session, as that user, when the person presses "open". Always https. */
  url: z.string().optional(),
});
export type Toast = z.infer<typeof toastSchema>;

export const fromSessionSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("shown"), id: z.string() }),
  z.strictObject({ type: z.literal("failed"), id: z.string(), why: z.string() }),
  z.strictObject({ type: z.literal("pressed"), id: z.string(), key: z.enum(["open", "request", "why", "continue"]) }),
  z.strictObject({ type: z.literal("closed"), id: z.string() }),
]);
export type FromSession = z.infer<typeof fromSessionSchema>;
