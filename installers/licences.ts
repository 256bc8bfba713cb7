import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const manifestSchema = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

/** Licences whose text may stand for a package that ships none of its own: the manifest names them. */
const silent: Readonly<Record<string, string>> = {
  "@koromix/koffi-linux-x64": "node_modules/koffi/LICENSE.txt",
  "@koromix/koffi-linux-arm64": "node_modules/koffi/LICENSE.txt",
};

/** Every bundled package with its licence text, for /usr/share/doc. @throws Error for a package without one */
export function thirdParty(root: string, packages: readonly string[]): string {
  return packages.map((folder) => section(root, folder)).join("\n");
}

function section(root: string, folder: string): string {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")));
  const head = `${manifest.name} ${manifest.version}`;
  const names = readdirSync(join(root, folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  const own = names.toSorted().map((name) => readFileSync(join(root, folder, name), "utf8"));
  if (own.length === 0) own.push(...inReadme(root, folder));
  const other = silent[manifest.name];
  const texts = own.length > 0 || other === undefined ? own : [readFileSync(join(root, other), "utf8")];
  if (texts.length === 0 && manifest.license === undefined) throw new Error(`${folder}: no licence to pass on`);
  const body = texts.length > 0 ? texts.map((t) => t.trim()).join("\n\n") : `Licence: ${manifest.license ?? ""}`;
  return `${"=".repeat(78)}\n${head}\n${"=".repeat(78)}\n${body}\n`;
}

/** Some packages have their licence as the last part of their README, and nowhere else. */
function inReadme(root: string, folder: string): readonly string[] {
  const name = readdirSync(join(root, folder)).find((file) => /^readme/i.test(file));
  if (name === undefined) return [];
  const text = readFileSync(join(root, folder, name), "utf8");
  const at = text.search(/^#+ *licen[cs]e/im);
  return at < 0 ? [] : [text.slice(at)];
}
