import { parseXml } from "#observe/readers/xml.ts";

/**
 * Id and version of a plugin of JetBrains' (IntelliJ Platform SDK, "Plugin Configuration File"); one without an id is known by its
 * name. What stands twice counts as it stands last, as it does for an IDE. Undefined where it is none.
 */
export function parsePluginXml(bytes: Uint8Array): { readonly id: string; readonly version?: string } | undefined {
  const texts = new Map<string, string>();
  const open: string[] = [];
  for (const part of parseXml(bytes) ?? []) {
    if (part.what === "close") open.pop();
    else if (part.what === "open") {
      open.push(part.name);
      if (open.length === 2) texts.set(part.name, "");
    } else {
      const [root, key] = open;
      if (open.length === 2 && root === "idea-plugin" && key !== undefined)
        texts.set(key, (texts.get(key) ?? "") + part.text);
    }
  }
  const [id, name, version] = ["id", "name", "version"].map((key) => texts.get(key)?.trim() ?? "");
  const called = id || name || "";
  if (called === "" || called.length > 255) return undefined;
  return { id: called, ...(version && { version }) };
}
