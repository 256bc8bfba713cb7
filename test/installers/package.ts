import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const manifest = z.object({ version: z.string() }).parse(JSON.parse(readFileSync("package.json", "utf8")));
export const { version } = manifest;

/** Builds the package as `npm run build:deb` does, into a new folder. @returns its path */
export function buildPackage(below: string): string {
  const folder = mkdtempSync(join(below, "built-"));
  execFileSync(process.execPath, ["installers/build.ts", "--deb", "--out", folder], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return join(folder, `edict_${version}_${architecture}.deb`);
}
