/** METADATA is read up to this many bytes (it carries the README), RECORD up to that many. */
export const longestMetadata = 1024 * 1024;
export const longestRecord = 16 * 1024 * 1024;

/** A Python distribution's name as it is compared: PEP 503. */
export function normalName(name: string): string {
  return name.replaceAll(/[-_.]+/g, "-").toLowerCase();
}

/** Name and version from the header of a METADATA file (PEP 566: RFC 5322 lines up to the first empty one). */
export function parseMetadata(bytes: Uint8Array): { readonly name: string; readonly version: string } | undefined {
  const head =
    Buffer.from(bytes)
      .toString("utf8")
      .split(/\r?\n\r?\n/, 1)[0] ?? "";
  const fields = new Map<string, string>();
  for (const line of head.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0 || /^\s/.test(line)) continue;
    const key = line.slice(0, colon).toLowerCase();
    if (!fields.has(key)) fields.set(key, line.slice(colon + 1).trim());
  }
  const [name, version] = [fields.get("name"), fields.get("version")];
  return name === undefined || name === "" ? undefined : { name, version: version ?? "" };
}

/**
 * Whether a RECORD (PEP 376: CSV of path, hash, size, relative to site-packages) lists a path. Paths are bytes as Latin-1.
 */
export function recordLists(bytes: Uint8Array, path: string): boolean {
  const text = Buffer.from(bytes).toString("latin1");
  const field = /[",\n\r]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path;
  for (let at = text.indexOf(field); at >= 0; at = text.indexOf(field, at + 1)) {
    const begins = at === 0 || text[at - 1] === "\n";
    const end = text[at + field.length];
    if (begins && (end === "," || end === "\n" || end === "\r" || end === undefined)) return true;
  }
  return false;
}
