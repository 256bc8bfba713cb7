import { parseXml } from "#observe/readers/xml.ts";

/**
 * Id and version of a plugin of JetBrains' (IntelliJ Platform SDK, "Plugin Configuration File"); one without an id is known by its
 * name. Undefined where it is none.
 */
export function parsePluginXml(bytes: Uint8Array): { readonly id: string; readonly version?: string } | undefined {
  const texts = new Map<string, string>();
  const open: string[] = [];
  for (const part of parseXml(bytes) ?? []) {
    const [root, key] = open;
    if (part.what === "open") open.push(part.name);
    else if (part.what === "close") open.pop();
    else if (open.length === 2 && root === "idea-plugin" && key !== undefined && !texts.has(key))
      texts.set(key, part.text.trim());
  }
  const [id, version] = [texts.get("id") ?? texts.get("name"), texts.get("version")];
  if (id === undefined || id === "" || id.length > 255) return undefined;
  return { id, ...(version !== undefined && { version }) };
}
