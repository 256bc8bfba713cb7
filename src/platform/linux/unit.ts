/** What is put into quarantine as a whole. `name` is what a package's or extension's own manifest has to say. */
export type Unit =
  | { readonly kind: "package" | "extension"; readonly path: string; readonly name: string }
  | { readonly kind: "program"; readonly path: string };

const editorFolder = /^\.[a-z][a-z0-9-]{0,63}$/;

function packageAt(parts: readonly string[], at: number): { name: string; end: number } | undefined {
  const first = parts[at + 1];
  if (first === undefined || first === "" || first.startsWith(".")) return undefined; // .bin, .pnpm
  if (!first.startsWith("@")) return { name: first, end: at + 2 };
  const second = parts[at + 2];
  return second === undefined || second === "" ? undefined : { name: `${first}/${second}`, end: at + 3 };
}

/** Latin-1 to compare bytes as text: a package's name is ASCII, whatever the folders around it are called. */
function candidateAt(parts: readonly string[], at: number): Unit | undefined {
  if (parts[at] === "node_modules") {
    const found = packageAt(parts, at);
    return found && { kind: "package", path: parts.slice(0, found.end).join("/"), name: found.name };
  }
  const [folder, host] = [parts[at + 1], parts[at - 1]];
  const inEditor = parts[at] === "extensions" && host !== undefined && editorFolder.test(host);
  if (!inEditor || folder === undefined || folder === "" || folder.startsWith(".")) return undefined;
  return { kind: "extension", path: parts.slice(0, at + 2).join("/"), name: folder };
}

/**
 * Where the unit of a file would be, innermost first: a package under `node_modules/<id>`, an extension's folder of an
 * editor, and at last the file alone. Pure; whether the folder really is one, its manifest says. Text is Latin-1 of bytes.
 */
export function unitsOf(path: string): readonly Unit[] {
  const parts = path.split("/");
  const folders = parts.flatMap((_, i) => candidateAt(parts, i) ?? []).toReversed();
  return [...folders, { kind: "program", path }];
}

/** Whether a manifest (package.json) is that of the unit: POLICY's "whose manifest says <id>". */
export function isManifestOf(unit: Unit, manifest: unknown): boolean {
  if (typeof manifest !== "object" || manifest === null || unit.kind === "program") return false;
  const name: unknown = Reflect.get(manifest, "name");
  if (unit.kind === "package") return name === unit.name;
  const publisher: unknown = Reflect.get(manifest, "publisher");
  if (typeof name !== "string" || typeof publisher !== "string") return false;
  const id = `${publisher}.${name}`.toLowerCase();
  const folder = unit.name.toLowerCase();
  return folder === id || folder.startsWith(`${id}-`);
}
