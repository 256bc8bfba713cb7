import { execFile, execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { served } from "./repository.ts";

const lacks = lacking("root") ?? (canUnshare() ? undefined : "no mount namespace can be made here");

function canUnshare(): boolean {
  try {
    execFileSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("skipped: no mount namespace can be made here");
    return false;
  }
}

test.skipIf(lacks !== undefined)(
  "a disk that is full at any write keeps the last good policy, and the next comes when there is room",
  async () => {
    const repo = await served();
    await repo.publish("two");
    const client = await repo.client();
    await client.activated(await client.refresh());
    await repo.publish("three");
    const mount = join(await temporaryFolder(), "disk");
    await mkdir(mount);
    const script = fileURLToPath(new URL("./fill-disk.ts", import.meta.url));
    const inside = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$2" "$1" "$3" "$4" "$5" "$6"';
    const args = [
      process.execPath,
      mount,
      script,
      client.dir,
      repo.web.url,
      join(repo.dir, "1.root.json"),
      String(repo.clock),
    ];
    const { stdout } = await promisify(execFile)("unshare", ["-m", "sh", "-c", inside, ...args]);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { full: string; enforced: number; later: string; healed: number });
    expect(rows).toHaveLength(41);
    for (const row of rows)
      expect(row).toMatchObject({ enforced: row.full === "taken" ? 3 : 2, later: "taken", healed: 3 });
    expect(new Set(rows.map((row) => row.full))).toEqual(new Set(["CACHE", "taken"]));
  },
);
