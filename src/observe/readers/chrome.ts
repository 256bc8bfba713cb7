import { createHash } from "node:crypto";
import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";

const manifestSchema = z.object({
  manifest_version: z.number(),
  version: z.string().regex(/^[\d.]{1,40}$/),
  key: z.string().max(4096).optional().catch(undefined),
  update_url: z.string().max(4096).optional().catch(undefined),
});

export interface ChromeExtension {
  /** The id that its own key makes; undefined where it has none. */
  readonly id: string | undefined;
  readonly version: string;
  /** Whose store it is updated from. */
  readonly host: "chrome" | "edge";
}

/** manifest.json of an installed extension (developer.chrome.com, "Manifest file format"). */
export function parseChromeManifest(bytes: Uint8Array): ChromeExtension | undefined {
  const parsed = manifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { version, key, update_url: from } = parsed.data;
  const host = from?.startsWith("https://edge.microsoft.com/") === true ? "edge" : "chrome";
  return { id: key === undefined ? undefined : idOf(key), version, host };
}

/** Chromium's crx_file::id_util: the first half of the key's SHA-256, its hexadecimal digits written as a to p. */
function idOf(key: string): string {
  const digits = createHash("sha256").update(Buffer.from(key, "base64")).digest("hex").slice(0, 32);
  return digits.replaceAll(/[0-9a-f]/g, (digit) => String.fromCodePoint(97 + Number.parseInt(digit, 16)));
}
