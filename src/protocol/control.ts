import { z } from "zod";

/** CLI ⇄ agent over a local socket: one JSON object a line, one answer a question. The agent opens no path that is named here. */
export const questionSchema = z.discriminatedUnion("ask", [
  z.strictObject({ ask: z.literal("status") }),
  /** What is in force on this device. */
  z.strictObject({ ask: z.literal("policy") }),
  /** The person's own processes for anyone, everybody's for root. */
  z.strictObject({ ask: z.literal("why-pid"), pid: z.number().int().positive() }),
  z.strictObject({ ask: z.literal("why-ban"), ban: z.string().max(4096) }),
  z.strictObject({ ask: z.literal("doctor") }),
  z.strictObject({ ask: z.literal("request"), ban: z.string().max(4096), reason: z.string().min(1).max(4096) }),
  z.strictObject({ ask: z.literal("continue"), ban: z.string().max(4096), reason: z.string().min(1).max(4096) }),
]);
export type Question = z.infer<typeof questionSchema>;

export const answerSchema = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    code: z.enum(["denied", "unknown", "invalid", "failed", "busy", "no-server"]),
    message: z.string(),
  }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** The socket's name inside the agent's run folder. */
export const controlSocket = "agent.sock";

/** Where an agent may listen: the one that EDICT_RUN names, else the machine's, else this user's own. */
export function controlPaths(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const named = env["EDICT_RUN"];
  if (named !== undefined) return [`${named}/${controlSocket}`];
  const own = env["XDG_RUNTIME_DIR"] ?? `${env["HOME"] ?? "/nonexistent"}/.local/state`;
  return [`/run/edict/${controlSocket}`, `${own}/edict/${controlSocket}`];
}
