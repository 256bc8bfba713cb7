import { resolve } from "node:path";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { installedAt } from "#observe/scan.ts";
import { attributed } from "#observe/seen.ts";
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
 * What can be read of a process, a path or a package that somebody named.
 * @returns the reason where it is none of these
 * @throws CommandError where there is no such process, or it is not ours to look at
 */
export async function subjectOf(what: string, { platform, wanted, io }: Reach): Promise<Evidence | string> {
  const identifier = new Identifier({ wanted, dpkg: new DpkgDatabase("/var/lib/dpkg"), clock: io.clock });
  if (/^\d{1,10}$/.test(what)) return runningAs(Number(what), platform, identifier);
  const named = packageNamed(what);
  if (named !== undefined) return identifier.evidence("installed", { seen: attributed({ package: named }) });
  const path = rawFromText(resolve(io.cwd, what));
  if (path === undefined) return "no path";
  const found = await identifier.file(path);
  if ("seen" in found) return identifier.evidence("file", { file: found.file, seen: found.seen });
  for (const kind of ["npm", "extension", "distribution"] as const) {
    const [installed] = await installedAt(identifier, { what: kind, folder: path });
    if (installed !== undefined) return installed;
  }
  return found.unread;
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
