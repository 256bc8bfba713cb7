import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderFetcher } from "#publish/current.ts";
import { TrustError } from "#trust/error.ts";
import { temporaryFolder } from "../lib/temporary.ts";

/** A repository's folder inside another one, which has files that are nobody's business. */
async function folder(): Promise<FolderFetcher> {
  const outside = await temporaryFolder();
  const dir = join(outside, "repo");
  await mkdir(join(dir, "targets/groups"), { recursive: true });
  await mkdir(join(dir, "inside"));
  for (const file of ["secret.json", "repo/1.a.json", "repo/inside/b.json", "repo/targets/groups/c.json"])
    await writeFile(join(outside, file), file);
  await symlink(join(outside, "secret.json"), join(dir, "1.link.json"));
  return new FolderFetcher(dir);
}

const outcome = (asked: Promise<Uint8Array | undefined>): Promise<string> =>
  asked.then(
    (bytes) => (bytes === undefined ? "none" : Buffer.from(bytes).toString()),
    (error: unknown) => (error instanceof TrustError ? error.code : String(error)),
  );

test.each([
  ["1.a.json", "repo/1.a.json"],
  ["1.b.json", "none"],
  ["../secret.json", "FORMAT"],
  ["1.x/../../secret.json", "FORMAT"],
  ["inside/b.json", "FORMAT"],
  ["..", "FORMAT"],
  ["/etc/passwd", "FORMAT"],
  ["1.\0.json", "CACHE"],
  ["1.link.json", "CACHE"],
])("a role's file is one name in the repository's folder: %j is %s", async (name, found) => {
  expect(await outcome((await folder()).metadata(name, 100))).toBe(found);
});

test.each([
  ["groups/c.json", "repo/targets/groups/c.json"],
  ["groups/d.json", "CACHE"],
  ["../1.a.json", "FORMAT"],
  ["groups/../../../secret.json", "FORMAT"],
  ["/etc/passwd", "FORMAT"],
  ["groups//c.json", "FORMAT"],
])("a target's file lies below the repository's targets: %j is %s", async (name, found) => {
  expect(await outcome((await folder()).target(name, 100))).toBe(found);
});
