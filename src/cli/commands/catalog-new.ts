import { access, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { loadCatalog } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { mustBeReadable } from "#cli/no-file.ts";
import { escapedUnits, printable } from "#cli/printable.ts";
import { systemCode } from "#lib/errors.ts";
import { lookAt, type Found } from "#observe/draft/look.ts";
import { runtimesHere } from "#observe/draft/runtimes.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText, toBytes, toSeen } from "#observe/raw-path.ts";
import { draftTool, type Sighting } from "#policy/draft.ts";
import { ecosystems, type Catalog, type Tool } from "#policy/tool.ts";

const expected = "a program, a package's folder or an installed npm package";

/** Where npm keeps what everybody on a machine has. */
const globalFolders = ["/usr/local/lib/node_modules", "/usr/lib/node_modules"];

/** `edict catalog new`: drafts a tool's file from what lies here. Opens no network connection, and runs nothing. */
export const command: Command = {
  arguments: ["<what>"],
  options: [["--out <file>", "write it there, instead of printing it"]],
  run: async (input, io) => {
    const [what = ""] = input.args;
    const path = what === "" ? undefined : rawFromText(await placeOf(what, io));
    if (path === undefined) throw new CommandError(exitCodes.usage[0], `"${printable(what)}" is no path`);
    await mustBeReadable(toBytes(path), what, expected);
    const runtimes = await runtimesHere([process.execPath]);
    const found = await lookAt(path, { identifier: identifierOf(io), runtimes, home: io.env["HOME"] });
    if ("unread" in found)
      throw new CommandError(
        exitCodes.usage[0],
        `${printable(what)}: ${printable(found.unread)}; expected ${expected}`,
      );
    const same = alreadyKnown(found.sighting, await loadCatalog());
    await put(asciiJson(draftTool(found.sighting)), textOption(input, "out"), io);
    const read = runtimes.map((runtime) => printable(toSeen(runtime).path));
    io.err(`${notes(found, read, same).join("\n")}\n`);
    return exitCodes.ok[0];
  },
};

/** Knows whose files are; looks for nothing else of the catalog. */
function identifierOf({ clock }: Io): Identifier {
  const nothing = { sizes: new Set<number>(), needles: [], configs: [], pathProof: false, extensions: false };
  const wanted = { ...nothing, signers: new Set<string>(), ecosystems: new Set(ecosystems) };
  return new Identifier({ wanted, dpkg: new DpkgDatabase(), clock });
}

/** The path itself where something lies there; else the npm package of that name, from here upwards and then for everybody. */
async function placeOf(what: string, { cwd }: Io): Promise<string> {
  const path = resolve(cwd, what);
  if ((await isThere(path)) || !/^(?:@[\w.~-]+\/)?[\w.~-]+$/.test(what)) return path;
  const above = [cwd];
  for (let at = cwd; dirname(at) !== at; at = dirname(at)) above.push(dirname(at));
  for (const folder of [...above.map((at) => join(at, "node_modules")), ...globalFolders])
    if (await isThere(join(folder, what))) return join(folder, what);
  return path;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** JSON in which nothing can steer a terminal, or look like something else. */
function asciiJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replaceAll(/[\u007f-\uffff]/g, escapedUnits)}\n`;
}

async function put(text: string, file: string | undefined, io: Io): Promise<void> {
  if (file === undefined) return io.out(text);
  const path = resolve(io.cwd, file);
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    if (systemCode(cause) === "EEXIST")
      throw new CommandError(exitCodes.failed[0], `${file} is there already; nothing was written`);
    await rm(path, { force: true }); // half of it, where the disk is full
    throw new CommandError(exitCodes.failed[0], `${file} cannot be written`, { cause });
  }
}

/** The tools of the catalog that one of its packages is of already. */
function alreadyKnown({ packages, beside }: Sighting, { tools }: Catalog): readonly Tool[] {
  const ids = new Set([...packages, ...beside.ids.map((id) => ({ ecosystem: "npm", id }))].map(keyOf));
  return tools.filter(({ identities }) => identities.some((one) => one.kind === "package" && ids.has(keyOf(one))));
}

function keyOf({ ecosystem, id }: { readonly ecosystem: string; readonly id: string }): string {
  return `${ecosystem}:${id}`;
}

/** What whoever drafts should know, beside the draft. */
function notes(
  { sighting: seen, skipped }: Found,
  runtimes: readonly string[],
  same: readonly Tool[],
): readonly string[] {
  const markers = seen.programs.flatMap((program) => program.markers).length;
  const where = seen.programs.map(({ program }) => printable(program)).join(", ");
  return [
    ...same.map(({ id, name }) => `The catalog has one of its packages already: ${name} (${id}.json).`),
    markers > 0
      ? `markers: ${markers}, each in none of ${runtimes.join(", ")}. Keep the one or two that only this tool can have; search its forks, and stock bun.`
      : `markers: none${where === "" ? "" : ` in ${where}`}. Where another file does the work, or is fetched at the first start, draft once more from that file.`,
    ...skipped.map((one) => `not read: ${printable(one)}`),
    ...(seen.packages.length === 0 ? ["No package owns it: say in each source which release this was."] : []),
    "Still to write: vendor, category, aliases, relatedBenign, equivalents, and the signers of macOS and Windows.",
  ];
}
