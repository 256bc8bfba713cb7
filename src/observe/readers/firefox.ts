import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";
import type { ExtensionSeen } from "#policy/evidence.ts";

const addonSchema = z.object({
  id: z.string().min(1).max(255),
  version: z.string().max(100).optional().catch(undefined),
  type: z.literal("extension"),
  location: z.string(),
});
const listSchema = z.object({ addons: z.array(z.unknown()).max(10_000) });

/** Extensions that a person, or their administrator, has added to a profile, by its extensions.json (XPIDatabase.sys.mjs). */
export function parseAddons(bytes: Uint8Array): readonly ExtensionSeen[] {
  const list = listSchema.safeParse(parseJson(bytes));
  if (!list.success) return [];
  return list.data.addons.flatMap((addon) => {
    const parsed = addonSchema.safeParse(addon);
    if (!parsed.success || /^app-(?:builtin|system)/.test(parsed.data.location)) return [];
    const { id, version } = parsed.data;
    return [{ host: "firefox", id, ...(version !== undefined && { version }) }];
  });
}

/** Profiles that lie elsewhere than beside profiles.ini: absolute paths, bytes as Latin-1. */
export function profilesElsewhere(bytes: Uint8Array): readonly string[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").split(/\r?\n/);
  const paths = lines.filter((line) => line.startsWith("Path=/")).map((line) => line.slice("Path=".length));
  return [...new Set(paths)].slice(0, 100);
}
