import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { kindsAt } from "#observe/places.ts";
import { nameOf, rawFromText, type RawPath } from "#observe/raw-path.ts";
import { installedAt } from "#observe/scan.ts";
import { attributed } from "#observe/seen.ts";
import type { Candidate } from "#observe/tour.ts";
import { PlatformError, type Platform } from "#platform/platform.ts";
import type { Wanted } from "#policy/compile.ts";
import type { Evidence, PackageSeen } from "#policy/evidence.ts";
import { ecosystems } from "#policy/tool.ts";

export interface Reach {
  readonly platform: Platform;
  readonly wanted: Wanted;
  readonly io: Io;
}

/**
 * What can be read of a process, a path or a package that somebody named; of a folder that lists what is installed, each thing.
 * @returns the reason where it is none of these
 * @throws CommandError where there is no such process, or it is not ours to look at
 */
export async function subjectOf(what: string, { platform, wanted, io }: Reach): Promise<readonly Evidence[] | string> {
  const identifier = new Identifier({ wanted, dpkg: new DpkgDatabase(), clock: io.clock });
  if (/^\d{1,10}$/.test(what)) return [await runningAs(Number(what), platform, identifier)];
  const named = packageNamed(what);
  if (named !== undefined) return [identifier.evidence("installed", { seen: attributed({ package: named }) })];
  const path = rawFromText(resolve(io.cwd, what));
  if (path === undefined) return "no path";
  const found = await identifier.file(path);
  if ("seen" in found) return [identifier.evidence("file", { file: found.file, seen: found.seen })];
  const installed = await unitsIn(path, identifier);
  return installed.length > 0 ? installed : found.unread;
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
    throw new CommandError(exitCodes.denied[0], `process ${pid}: ${error.message}`, { cause: error });
  }
  throw new CommandError(exitCodes.failed[0], `process ${pid}: there is none, or it is the kernel's own`);
}

/** "npm:@scope/name", with npm's "@version" or without; or "@scope/name", which only npm has. */
function packageNamed(what: string): PackageSeen | undefined {
  const colon = what.indexOf(":");
  const ecosystem = ecosystems.find((known) => known === what.slice(0, colon));
  if (ecosystem === undefined) return /^@[\w.-]+\/[\w.-]+(?:@[\w.+-]+)?$/.test(what) ? npmPackage(what) : undefined;
  const id = what.slice(colon + 1);
  if (id === "") return undefined;
  return ecosystem === "npm" ? npmPackage(id) : { ecosystem, id };
}

function npmPackage(text: string): PackageSeen {
  const at = text.lastIndexOf("@");
  const [id, version] = at <= 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  return { ecosystem: "npm", id, ...(version !== undefined && { version }) };
}
