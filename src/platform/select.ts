import { PlatformError, type Platform } from "#platform/platform.ts";

const names = { win32: "Windows", darwin: "macOS" } as const;

/**
 * The platform this machine runs on. Only here the product asks which system it is.
 * @throws PlatformError `unsupported` where there is no implementation yet.
 */
export async function selectPlatform(system: NodeJS.Platform = process.platform): Promise<Platform> {
  if (system === "linux") return (await import("#platform/linux/linux.ts")).createLinux();
  const name = system === "win32" || system === "darwin" ? names[system] : system;
  throw new PlatformError("unsupported", `this release of Edict watches Linux only, and this machine runs ${name}`);
}
