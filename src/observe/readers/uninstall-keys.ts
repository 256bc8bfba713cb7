/**
 * A program as Windows lists it under "Apps": one key below …\CurrentVersion\Uninstall (Win32 documentation, "Uninstall Registry
 * Key"). Read from an export, and so far from recordings only: this release looks at no Windows machine.
 */
export interface UninstallEntry {
  /** The key's own name: a product code, or what its installer liked. */
  readonly key: string;
  readonly name: string;
  readonly version?: string;
  readonly publisher?: string;
  /** Its folder, as its installer says. */
  readonly location?: string;
  /** The id that winget installed it by. */
  readonly winget?: string;
}

/** Bytes and keys of one export; a workstation's has some hundred kilobytes. */
const longest = 64 * 1024 * 1024;
const most = 20_000;

const uninstall = /^\[HKEY_[^\]]{1,1000}\\CurrentVersion\\Uninstall\\([^\\\]]{1,255})\]$/i;
const value = /^"([^"\\]{1,255})"="((?:[^"\\]|\\.){0,4096})"$/;

/** What `reg export` wrote: UTF-16 with its mark, or regedit's older form. Other keys and kinds of values are not looked at. */
export function parseUninstallKeys(bytes: Uint8Array): readonly UninstallEntry[] {
  if (bytes.length > longest) return [];
  const found: UninstallEntry[] = [];
  let [key, values]: [string | undefined, Map<string, string>] = [undefined, new Map()];
  const end = (): void => {
    const name = values.get("displayname");
    if (key !== undefined && name !== undefined && found.length < most) found.push({ key, name, ...restOf(values) });
    values = new Map();
  };
  for (const line of decoded(bytes).split(/\r?\n/)) {
    if (line.startsWith("[")) {
      end();
      key = uninstall.exec(line)?.[1];
      continue;
    }
    const [, name, text] = value.exec(line) ?? [];
    if (name !== undefined && text !== undefined) values.set(name.toLowerCase(), text.replaceAll(/\\(.)/g, "$1"));
  }
  end();
  return found;
}

function restOf(values: ReadonlyMap<string, string>): Omit<UninstallEntry, "key" | "name"> {
  const named = { version: "displayversion", publisher: "publisher", location: "installlocation" } as const;
  const rest = Object.entries({ ...named, winget: "wingetpackageidentifier" }).map(([as, name]) => [
    as,
    values.get(name),
  ]);
  return Object.fromEntries(rest.filter(([, text]) => text !== undefined && text !== ""));
}

function decoded(bytes: Uint8Array): string {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(wide ? "utf-16le" : "utf-8").decode(bytes);
}
