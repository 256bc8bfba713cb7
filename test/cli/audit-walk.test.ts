import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startWalk } from "#cli/audit-walk.ts";
import { systemClock } from "#lib/clock.ts";
import { atOnce } from "#observe/files.ts";
import { makeScan, type ScanOptions } from "#observe/scan.ts";
import { folder, nativeTool, npmTool, wanting, write } from "../observe/place.ts";

async function scanned(path: string, options: Partial<ScanOptions> = {}) {
  const roots = [{ path, owner: 0, holds: "apps", depth: 9 } as const];
  const own = { wanted: wanting(), os: "linux", clock: systemClock, dpkgFolder: "/nowhere" } as const;
  const { scan } = makeScan({ roots, ...own, files: atOnce, ...options });
  const found = [];
  for await (const { file, seen } of scan) found.push(JSON.stringify([file?.path, seen.marker, seen.package]));
  return { found: found.toSorted(), entries: scan.entries, unreadable: scan.unreadable };
}

/** More folders, and more to be found, than one part of a walk has. */
function largeHome(): string {
  const home = folder();
  for (let i = 0; i < 40; i += 1) npmTool(join(home, `project-${i}`), `tool-${i}`);
  for (let i = 0; i < 600; i += 1) write(join(home, `own/${i}/program`), `#!/bin/sh\n# ${i}\n`, 0o755);
  for (let i = 0; i < 600; i += 1) write(join(home, `many/${i}`), `#!/bin/sh\n# many ${i}\n`, 0o755);
  nativeTool(join(home, "own/native"));
  write(join(home, "own/large"), Buffer.alloc(600_000, "x"), 0o755);
  symlinkSync(join(home, "own/native"), join(home, "own/0/link"));
  symlinkSync("../own", join(home, "own/loop"));
  return home;
}

test.each([1, 4])("%d threads find what a scan finds by itself, and nothing is lost on the way", async (count) => {
  const home = largeHome();
  const thread = startWalk(count);
  const found = await scanned(home, { walk: thread.walk });
  await thread.close();
  const { entries, ...here } = await scanned(home);
  expect(found).toMatchObject(here);
  expect(found.found).toHaveLength(1242);
  expect(found.entries).toBeGreaterThanOrEqual(entries); // it counts "." and ".." as well
});

test("a thread says of a folder why it cannot be read, and goes on", async () => {
  const home = folder();
  write(join(home, "far/program"), "#!/bin/sh\n", 0o755);
  write(join(home, "near/program"), "#!/bin/sh\n", 0o755);
  const thread = startWalk();
  const root = { path: home, owner: 0, holds: "apps", depth: 9, without: [join(home, "far")] } as const;
  const found = await scanned(home, { walk: thread.walk, roots: [root] });
  await thread.close();
  expect(found.found).toHaveLength(1);
  expect(found.unreadable.named).toEqual([
    { path: join(home, "far"), why: expect.stringContaining("another machine") },
  ]);
});

test("where a thread ends, so does the scan", async () => {
  const thread = startWalk();
  await thread.close();
  await expect(scanned("/bin", { walk: thread.walk })).rejects.toThrow("has ended");
  await thread.close();
});

test("stopped on its way, it gives nothing more, and its thread ends", async () => {
  const stop = new AbortController();
  const thread = startWalk();
  const parts = [];
  const tour = { starts: [{ folder: largeHome(), how: { depth: 9, programs: true, projects: false } }], most: 1e6 };
  for await (const part of thread.walk({ ...tour, apart: new Set(), remote: new Set() } as never, stop.signal)) {
    parts.push(part);
    stop.abort();
  }
  expect(parts).toHaveLength(1);
  await thread.close();
});
