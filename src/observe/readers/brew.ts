import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";

const tapName = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/);
/** Before 1.1 it did not say which Homebrew wrote it, before 0.9.6 the tap stood beside a source. */
const receiptSchema = z.union([
  z.object({ source: z.object({ tap: tapName }) }).transform(({ source }) => source.tap),
  z.object({ tapped_from: tapName }).transform((receipt) => receipt.tapped_from),
]);

/**
 * The tap that a keg or a cask came from, by its INSTALL_RECEIPT.json (Homebrew's Tab): "homebrew/core". Undefined where it is
 * no receipt, or names no tap: what was installed from a file of one's own has the name that its writer liked.
 */
export function parseReceipt(bytes: Uint8Array): string | undefined {
  const parsed = receiptSchema.safeParse(parseJson(bytes));
  return parsed.success ? called(parsed.data.toLowerCase()) : undefined;
}

/** A tap as Homebrew calls it today (Tap.fetch): without its repository's prefix, and one name for what is its own. */
function called(tap: string): string {
  const name = tap.replace(/\/(?:home|linux)brew-(?=.)/, "/");
  return core.has(name) ? "homebrew/core" : name;
}
const core: ReadonlySet<string> = new Set(["homebrew/homebrew", "linuxbrew/core", "linuxbrew/homebrew", "mxcl/master"]);

/** What Homebrew calls it: by its own name where it is of the official tap, else with the tap before it. */
export function brewId(tap: string, official: string, name: string): string {
  return tap === official ? name : `${tap}/${name}`;
}
