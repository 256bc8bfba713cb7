import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";

const receiptSchema = z.object({
  homebrew_version: z.string(),
  source: z.object({ tap: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/) }),
});

/**
 * The tap that a keg or a cask came from, by its INSTALL_RECEIPT.json (Homebrew's Tab): "homebrew/core". Undefined where it is
 * no receipt, or names no tap: what was installed from a file of one's own has the name that its writer liked.
 */
export function parseReceipt(bytes: Uint8Array): string | undefined {
  const parsed = receiptSchema.safeParse(parseJson(bytes));
  return parsed.success ? parsed.data.source.tap.toLowerCase() : undefined;
}

/** What Homebrew calls it: by its own name where it is of the official tap, else with the tap before it. */
export function brewId(tap: string, official: string, name: string): string {
  return tap === official ? name : `${tap}/${name}`;
}
