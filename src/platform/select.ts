import type { ReadFolder } from "#platform/folders.ts";
import { PlatformError, type Platform } from "#platform/platform.ts";

const names = { win32: "Windows", darwin: "macOS" } as const;

/**
 * The platform this machine runs on. Only here the product asks which system it is.
 * @throws PlatformError `unsupported` where there is no implementation yet.
 */
export async function selectPlatform(system: NodeJS.Platform = process.platform): Promise<Platform> {
  if (system === "linux") return (await import("#platform/linux/linux.ts")).createLinux();
  throw unsupported(system);
}

/** What reads folders on this machine, for a thread that needs nothing else of it. @throws PlatformError `unsupported` */
export async function selectFolderReader(system: NodeJS.Platform = process.platform): Promise<ReadFolder> {
  if (system === "linux") return (await import("#platform/linux/folder-reader.ts")).createFolderReader();
  throw unsupported(system);
}

function unsupported(system: NodeJS.Platform): PlatformError {
  const name = system === "win32" || system === "darwin" ? names[system] : system;
  return new PlatformError("unsupported", `this release of Edict watches Linux only, and this machine runs ${name}`);
}
