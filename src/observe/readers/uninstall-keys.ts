/**
 * A program as Windows lists it under "Apps": one key below …\CurrentVersion\Uninstall (Win32 documentation, "Uninstall Registry
 * Key"). Read from what `reg export` wrote, or from a hive of Wine's: this release looks at no Windows machine.
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

/** A registry is read up to this many bytes: a new one of Wine's has two million, and an export of these keys some hundred thousand. */
export const longestRegistry = 16 * 1024 * 1024;
const most = 20_000;

const wine = "WINE REGISTRY Version 2";
const exportedKey = /^\[(HKEY_[^\]]{1,1000})\]$/;
const hiveKey = /^\[((?:[^\\\]]|\\.){1,2000})\] \d+$/;
const uninstall = /\\CurrentVersion\\Uninstall\\([^\\]{1,255})$/i;
const value = /^"([^"\\]{1,255})"="((?:[^"\\]|\\.){0,4096})"$/;

/**
 * The entries of an export (UTF-16 with its mark, or regedit's older form), or of a hive as Wine writes it: system.reg, user.reg.
 * Other keys and kinds of values are not looked at.
 */
export function parseUninstallKeys(bytes: Uint8Array): readonly UninstallEntry[] {
  if (bytes.length > longestRegistry) return [];
  const text = decoded(bytes);
  const isHive = text.startsWith(wine);
  const found: UninstallEntry[] = [];
  const values = new Map<string, string>();
  let key: string | undefined;
  const end = (): void => {
    const name = values.get("displayname");
    if (key !== undefined && name !== undefined && found.length < most) found.push({ key, name, ...restOf(values) });
    if (values.size > 0) values.clear();
  };
  for (const line of linesOf(text)) {
    if (line.startsWith("[")) {
      end();
      key = /uninstall/i.test(line) ? keyOf(line, isHive) : undefined;
      continue;
    }
    const [, name, said] = key === undefined ? [] : (value.exec(line) ?? []);
    if (name !== undefined && said !== undefined) values.set(name.toLowerCase(), unescaped(said));
  }
  end();
  return found;
}

function keyOf(line: string, isHive: boolean): string | undefined {
  const path = isHive ? unescaped(hiveKey.exec(line)?.[1] ?? "") : exportedKey.exec(line)?.[1];
  return uninstall.exec(path ?? "")?.[1];
}

/** Line by line: one of empty lines only would be a list of millions. */
function* linesOf(text: string): Generator<string, void, undefined> {
  for (let [at, end] = [0, 0]; at < text.length; at = end + 1) {
    end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    yield text.slice(at, text[end - 1] === "\r" ? end - 1 : end);
  }
}

/** A character behind a backslash stands for itself; Wine writes others than ASCII by their number, and control characters too. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:x([\da-f]{1,4})|([abefnrtv]|[0-7]{1,3})|(.))/g,
    (_, code?: string, control?: string, self?: string) =>
      code === undefined ? (self ?? " ") : String.fromCharCode(Number.parseInt(code, 16)),
  );
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
