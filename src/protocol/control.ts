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

/** A health warning, as data: stable code, short title, a sentence that says what to do. */
export interface Warning {
  readonly code: string;
  readonly title: string;
  readonly severity: "info" | "warning" | "error";
  readonly text: string;
}

export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: "denied" | "unknown" | "invalid" | "failed"; readonly message: string };
