import type { z } from "zod";
import { Refusal } from "#server/refusal.ts";

/** What is wrong, with its place, in a sentence of bounded length. */
export function wordsOf(error: z.ZodError): string {
  const words = error.issues.slice(0, 5).map((issue) => {
    const place = issue.path.map(String).join(".");
    return place === "" ? issue.message : `${place}: ${issue.message}`;
  });
  return words.join("; ").slice(0, 1000);
}

export function invalid(error: z.ZodError): Refusal {
  return new Refusal(400, "invalid", wordsOf(error));
}
