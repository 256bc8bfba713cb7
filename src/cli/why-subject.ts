import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { seenOfPurl } from "#cli/audit-purl.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { cannotReach } from "#cli/no-file.ts";
import { printable } from "#cli/printable.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { kindsAt } from "#observe/places.ts";
import { nameOf, rawFromText, toBytes, type RawPath } from "#observe/raw-path.ts";
import { installedAt, unreadManifest } from "#observe/scan.ts";
import { nothingRead } from "#observe/seen.ts";
import type { Candidate } from "#observe/tour.ts";
import { PlatformError, type Platform } from "#platform/platform.ts";
import type { Wanted } from "#policy/compile.ts";
import type { Evidence, PackageSeen, Seen } from "#policy/evidence.ts";
import { ecosystems } from "#policy/tool.ts";

export interface Reach {
  readonly platform: Platform;
  readonly wanted: Wanted;
  readonly io: Io;
}

/**
 * What can be read of a process, a path or a package that somebody named; of a folder that lists what is installed, each thing.
 * @returns what to answer where it is none of these
 * @throws CommandError where there is no such process, or it is not ours to look at
 */
export async function subjectOf(
  what: string,
  { platform, wanted, io }: Reach,
): Promise<readonly Evidence[] | CommandError> {
  const identifier = new Identifier({ wanted, dpkg: new DpkgDatabase(), clock: io.clock });
  if (/^\d{1,10}$/.test(what)) return [await runningAs(Number(what), platform, identifier)];
  const named = packageNamed(what);
  if (named !== undefined) return [identifier.evidence("installed", { seen: { ...nothingRead(onlyNamed), ...named } })];
  if (what === "") return usage("why", "nothing was named");
  const path = rawFromText(resolve(io.cwd, what));
  if (path === undefined) return usage(what, "no path");
  const found = await identifier.file(path);
  if ("seen" in found) return [identifier.evidence("file", { file: found.file, seen: found.seen })];
  const installed = await unitsIn(path, identifier);
  return installed.length > 0 ? installed : noSubject(what, path, found.unread);
}

const onlyNamed = "only a name was given";
const expected = "a process id, a path, a package (npm:@scope/name), a tool's name, or a ban of the policy";
const plainFolder =
  "a folder, and not one of a package, an extension or an application; edict audit looks through all that is in one";

/** Why nothing can be said of a path. */
async function noSubject(what: string, path: RawPath, unread: string): Promise<CommandError> {
  try {
    const found = await stat(toBytes(path));
    await access(toBytes(path), found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    if (found.isFile()) return usage(what, unread);
    if (!found.isDirectory()) return usage(what, "a pipe, a socket or a device, and no program");
    const manifest = await unreadManifest({ what: "npm", folder: path });
    return usage(what, manifest === undefined ? plainFolder : `its package.json: ${manifest}`);
  } catch (error) {
    return cannotReach(what, error, expected);
  }
}

function usage(what: string, said: string): CommandError {
  return new CommandError(exitCodes.usage[0], `${printable(what)}: ${said}`);
}

type Kind = Exclude<Candidate["what"], "program">;

/** What a folder can be wherever it lies, and what one of some name can be: its own records say whether it is. */
const anywhere: readonly Kind[] = ["npm", "extension", "distribution", "wine", "firefox"];
const byName: ReadonlyMap<string, Kind> = new Map([
  ["conda-meta", "conda"],
  ["cache", "yarn"],
]);

async function unitsIn(folder: RawPath, identifier: Identifier): Promise<readonly Evidence[]> {
  const named = byName.get(nameOf(folder));
  for (const what of new Set([...kindsAt(folder), ...anywhere, ...(named === undefined ? [] : [named])])) {
    const found = await installedAt(identifier, { what, folder });
    if (found.length > 0) return found;
  }
  return [];
}

async function runningAs(pid: number, platform: Platform, identifier: Identifier): Promise<Evidence> {
  try {
    const detail = await platform.inspect(pid);
    if (detail !== undefined) return await identifier.process(detail, "process");
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "denied")) throw error;
    throw new CommandError(exitCodes.denied[0], `process ${pid}: which program it runs may not be read by this user`);
  }
  throw new CommandError(exitCodes.failed[0], `process ${pid}: there is none, or it is the kernel's own`);
}

/** "npm:@scope/name", with npm's "@version" or without; "@scope/name", which only npm has; or a package URL. */
function packageNamed(what: string): Pick<Seen, "package"> | Pick<Seen, "extension"> | undefined {
  const url = seenOfPurl(what);
  if (url !== undefined) return "host" in url ? { extension: { value: [url] } } : { package: { value: [url] } };
  const colon = what.indexOf(":");
  const ecosystem = ecosystems.find((known) => known === what.slice(0, colon));
  const id = ecosystem === undefined ? what : what.slice(colon + 1);
  if (id === "" || (ecosystem === undefined && !/^@[\w.-]+\/[\w.-]+(?:@[\w.+-]+)?$/.test(id))) return undefined;
  const plain = ecosystem !== undefined && ecosystem !== "npm";
  return { package: { value: [plain ? { ecosystem, id } : npmPackage(id)] } };
}

function npmPackage(text: string): PackageSeen {
  const at = text.lastIndexOf("@");
  const [id, version] = at <= 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  return { ecosystem: "npm", id, ...(version !== undefined && { version }) };
}
