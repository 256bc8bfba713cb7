import { z } from "zod";
import { parseDuration, parseInstant } from "#lib/pure/instant.ts";

function accepts(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text);
      return true;
    } catch {
      return false;
    }
  };
}

/** The id of a tool or a ban; a group's own carry the group's name: "finance/anydesk". */
export const idSchema = z
  .string()
  .max(128)
  .regex(/^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)?$/, {
    error: "an id of small letters, digits, dots and dashes such as claude-code",
  });

/** A group's name, as it stands in the repository's paths and before the ids of its bans. */
export const groupNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: "a group's name of small letters, digits and dashes such as finance" });

/** Which device, without saying which: the sha256 over its id. */
export const deviceHashSchema = z.string().regex(/^[0-9a-f]{64}$/, { error: "64 small hexadecimal digits" });

/** Words for people: they end on terminals, so no control characters but line breaks and tabs, and none that turn the writing round. */
export const wordsSchema = z
  .string()
  .min(1, { error: "words" })
  .regex(/^(?:[\n\t]|[^\p{Cc}\u{202A}-\u{202E}\u{2066}-\u{2069}])*$/u, {
    error: "text without control characters",
  });

/** RFC 3986, https only: it may be opened in a person's browser. */
export const linkSchema = z
  .string()
  .regex(/^https:\/\/[A-Za-z0-9.[\]:_-]+(?:[/?#][\u{21}-\u{7E}]*)?$/u, { error: "a link that begins with https://" });

/** ISO 8601 with an offset: without one it would be a different moment in every office. */
export const instantSchema = z
  .string()
  .refine(accepts(parseInstant), { error: "an instant with its offset such as 2026-07-10T00:00:00+08:00" });

/** ISO 8601 duration of fixed length. */
export const durationSchema = z
  .string()
  .refine(accepts(parseDuration), { error: "a duration without months or years such as PT10M or P30D" });

export const osSchema = z.enum(["linux", "macos", "windows"]);
export type Os = z.infer<typeof osSchema>;

/** One system or several. */
export const osesSchema = z.union([osSchema, z.array(osSchema).min(1).readonly()]);

/** Whether something meant for `only` holds on `os`; what names no system holds on all. */
export function holdsOn(only: Os | readonly Os[] | undefined, os: Os): boolean {
  return only === undefined || (typeof only === "string" ? only === os : only.includes(os));
}
