/**
 * Looks for every marker of the catalog in one real program and writes down what was found:
 *   npx node test/catalog/search.ts <name@version> <its program's path in the package> <the same file, as it lies here>
 * The programs are too large to be fetched for every run of the tests; what was seen of them is kept instead.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalog } from "#cli/catalog.ts";
import { needleKey } from "#policy/identity-index.ts";
import { markersOf, standingIn } from "./laws.ts";
import { searchedSchema, type Searched } from "./searched.ts";

const record = join(import.meta.dirname, "searched.json");
const [release, program, path] = process.argv.slice(2);
if (release === undefined || program === undefined || path === undefined)
  throw new Error("usage: npx node test/catalog/search.ts <name@version> <program> <file>");

const markers = markersOf((await loadCatalog()).tools);
const bytes = readFileSync(path);
/** In a script nothing stands in a section: it may speak of another tool (Letta Code's does of Codex). */
const native = bytes.subarray(0, 4).toString("latin1") === "\u007fELF";
const found = standingIn(bytes, markers)
  .filter(({ identity }) => native || identity.where !== "elf-section")
  .map(({ tool, identity }) => `${tool}: ${identity.bytes}`);
const entry: Searched = {
  release,
  program,
  size: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
  ...(found.length > 0 ? { found } : { free: markers.map(({ identity }) => needleKey(identity)).toSorted() }),
};
const others = searchedSchema
  .parse(JSON.parse(readFileSync(record, "utf8")))
  .filter((one) => one.release !== release || one.program !== program);
const all = [...others, entry].toSorted((a, b) => (`${a.release} ${a.program}` < `${b.release} ${b.program}` ? -1 : 1));
writeFileSync(record, `${JSON.stringify(all, undefined, 2)}\n`);
