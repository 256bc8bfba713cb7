import { execFile, execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { moving } from "./stopped.ts";

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
    const { repo, fresh, root } = await moving();
    const mount = join(await temporaryFolder(), "disk");
    await mkdir(mount);
    const script = fileURLToPath(new URL("./fill-disk.ts", import.meta.url));
    const inside = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$2" "$1" "$3" "$4" "$5" "$6"';
    const args = [process.execPath, mount, script, await fresh(), repo.web.url, root, String(repo.clock)];
    const { stdout } = await promisify(execFile)("unshare", ["-m", "sh", "-c", inside, ...args]);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { full: string; enforced: number; later: string; healed: number });
    expect(rows).toHaveLength(61);
    for (const row of rows)
      expect(row).toMatchObject({ enforced: row.full === "taken" ? 2 : 1, later: "taken", healed: 2 });
    expect(new Set(rows.map((row) => row.full))).toEqual(new Set(["CACHE", "taken"]));
  },
);
