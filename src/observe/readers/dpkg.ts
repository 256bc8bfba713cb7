/** dpkg(1): /var/lib/dpkg/status has a paragraph a package (deb822(5)); `Version` of those that are installed. */
export function parseStatus(bytes: Uint8Array): ReadonlyMap<string, string> {
  const installed = new Map<string, string>();
  for (const paragraph of Buffer.from(bytes).toString("utf8").split(/\n\n+/)) {
    const field = (name: string): string | undefined => {
      const at = paragraph.startsWith(`${name}:`) ? 0 : paragraph.indexOf(`\n${name}:`) + 1;
      if (at === 0 && !paragraph.startsWith(`${name}:`)) return undefined;
      const end = paragraph.indexOf("\n", at);
      return paragraph.slice(at + name.length + 1, end < 0 ? undefined : end).trim();
    };
    const [name, version, status] = [field("Package"), field("Version"), field("Status")];
    if (name === undefined || version === undefined || status?.endsWith(" installed") !== true) continue;
    installed.set(name, version);
  }
  return installed;
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
