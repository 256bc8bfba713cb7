/**
 * dpkg(1): /var/lib/dpkg/status has a paragraph a package (deb822(5)); `Version` of those that are installed. Each value is
 * cut from the bytes: a piece of one long string would keep all of it, megabytes, for as long as the piece is kept.
 */
export function parseStatus(bytes: Uint8Array): ReadonlyMap<string, string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const installed = new Map<string, string>();
  for (let begin = 0; begin < text.length;) {
    const at = text.indexOf("\n\n", begin);
    const end = at < 0 ? text.length : at;
    const paragraph = text.subarray(begin, end);
    begin = end + 2;
    const [name, version] = [fieldOf(paragraph, "Package"), fieldOf(paragraph, "Version")];
    if (name === undefined || version === undefined) continue;
    if (fieldOf(paragraph, "Status")?.endsWith(" installed") === true) installed.set(name, version);
  }
  return installed;
}

function fieldOf(paragraph: Buffer, name: string): string | undefined {
  const first = paragraph.toString("latin1", 0, name.length + 1) === `${name}:`;
  const at = first ? 0 : paragraph.indexOf(`\n${name}:`) + 1;
  if (at === 0 && !first) return undefined;
  const end = paragraph.indexOf("\n", at);
  return paragraph.toString("utf8", at + name.length + 1, end < 0 ? paragraph.length : end).trim();
}

/** The package that a file of /var/lib/dpkg/info belongs to: "zsh.list", "libc6:amd64.list". */
export function packageOfList(fileName: string): string | undefined {
  if (!fileName.endsWith(".list")) return undefined;
  const name = fileName.slice(0, -".list".length);
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(0, colon);
}

/** Calls `each` with the bounds of every line: a path that the package owns. */
export function eachLine(bytes: Uint8Array, each: (begin: number, end: number) => void): void {
  let begin = 0;
  while (begin < bytes.length) {
    const at = bytes.indexOf(10, begin);
    const end = at < 0 ? bytes.length : at;
    if (end > begin) each(begin, end);
    begin = end + 1;
  }
}

/** FNV-1a in 32 bits (RFC 9923): a cheap key for a path, checked again against the list itself. */
export function hashOf(bytes: Uint8Array, begin = 0, end = bytes.length): number {
  let hash = 0x811c9dc5;
  for (let i = begin; i < end; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}
