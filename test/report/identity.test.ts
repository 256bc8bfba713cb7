import { createHash, createPublicKey } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadIdentity, openIdentity } from "#report/identity.ts";
import { temporaryFolder } from "../lib/temporary.ts";

test("a device makes its key once, for its owner only, and is named by that key", async () => {
  const dir = join(await temporaryFolder(), "device");
  expect(await loadIdentity(dir)).toBeUndefined();
  const [one, two] = await Promise.all([openIdentity(dir), openIdentity(dir)]);
  expect(one.id).toBe(two.id);
  expect((await openIdentity(dir)).id).toBe(one.id);
  expect((await stat(join(dir, "device.key"))).mode & 0o777).toBe(0o600);
  const spki = createPublicKey(await readFile(join(dir, "device.key"))).export({ type: "spki", format: "der" });
  expect(one.id).toBe(createHash("sha256").update(spki).digest("hex"));
  expect(one.enrolledAt).toBeUndefined();
});

test.each([
  ["cut", "-----BEGIN PRIVATE KEY-----\nMC4CAQ"],
  ["empty", ""],
  ["far too long", "x".repeat(100_000)],
])(
  "a key file that is %s is an error that names it, and is not replaced by another device's key",
  async (_what, text) => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "device.key"), text);
    await expect(openIdentity(dir)).rejects.toMatchObject({
      code: "IDENTITY",
      message: expect.stringContaining("device.key") as string,
    });
    expect(await readFile(join(dir, "device.key"), "utf8")).toBe(text);
  },
);
