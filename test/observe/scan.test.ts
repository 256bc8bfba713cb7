import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { makeScan } from "#observe/scan.ts";
import type { InstallRoot, Person } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";
import { lacking } from "../needs.ts";
import { folder, nativeTool, needle, npmTool, wanting, write } from "./place.ts";

async function scanned(roots: readonly InstallRoot[], homes: readonly Person[] = []) {
  const wanted = wanting({ configs: [{ path: "~/.tool" }, { path: "~/.tool", os: ["macos"] }] });
  const { scan } = makeScan({ wanted, roots, homes, os: "linux", clock: systemClock, dpkgFolder: "/nowhere" });
  const found: Evidence[] = [];
  for await (const evidence of scan) found.push(evidence);
  return { found, scan };
}

const root = (path: string, holds: InstallRoot["holds"], depth = 3): InstallRoot => ({ path, owner: 0, holds, depth });

test("a scan finds packages, nested ones, extensions, distributions and programs, each once", async () => {
  const home = folder();
  npmTool(home, "@example/tool");
  npmTool(join(home, "lib/node_modules/@example/tool").replace(/\/lib.*/, ""), "plain", "2.0.0");
  write(join(home, "lib/node_modules/plain/node_modules/deep/package.json"), '{"name":"deep","version":"3.0.0"}');
  write(join(home, "ext/extensions/a.b-1.0.0/package.json"), '{"publisher":"a","name":"b","version":"1.0.0"}');
  const site = join(home, "venvs/aider/lib/python3.11/site-packages/aider_chat-1.0.dist-info");
  write(join(site, "METADATA"), "Name: aider-chat\nVersion: 1.0\n");
  const native = nativeTool(join(home, "share/tool"));
  mkdirSync(join(home, "bin"));
  for (const name of ["tool", "renamed"]) symlinkSync(native, join(home, "bin", name));
  write(join(home, "bin/readme"), "not a program");
  const { found, scan } = await scanned([
    root(join(home, "lib/node_modules"), "npm"),
    root(join(home, "ext/extensions"), "units", 1),
    root(join(home, "venvs"), "python", 1),
    root(join(home, "bin"), "bin", 1),
    root(join(home, "nowhere"), "npm"),
  ]);
  const packages = found.flatMap((e) => ("value" in e.seen.package ? e.seen.package.value.map((p) => p.id) : []));
  expect(packages.toSorted()).toEqual(["@example/tool", "aider-chat", "deep", "plain"]);
  expect(found.filter((e) => "value" in e.seen.extension)).toHaveLength(1);
  const marked = found.filter((e) => "value" in e.seen.marker);
  expect(marked.map((e) => [e.file?.path, e.seen.marker])).toEqual([[native, { value: [needle] }]]);
  expect(marked[0]?.seen.name).toMatchObject({ value: expect.arrayContaining(["tool"]) });
  expect(new Set(found.map((e) => e.kind))).toEqual(new Set(["installed"]));
  expect(scan.unreadable.count).toBe(0);
});

test("loops of links, FIFOs and devices in an install folder neither stop nor repeat a scan", async () => {
  const home = folder();
  npmTool(home, "plain");
  symlinkSync("..", join(home, "lib/node_modules/loop"));
  symlinkSync("self", join(home, "lib/node_modules/self"));
  execFileSync("/usr/bin/mkfifo", [join(home, "lib/node_modules/fifo")]);
  mkdirSync(join(home, "bin"));
  execFileSync("/usr/bin/mkfifo", ["-m", "777", join(home, "bin/fifo")]);
  symlinkSync("/dev/zero", join(home, "bin/zero"));
  const { found } = await scanned([root(join(home, "lib/node_modules"), "npm"), root(join(home, "bin"), "bin", 1)]);
  expect(found).toHaveLength(1);
});

test("a config folder is one hint wherever its home lies, and on this system only", async () => {
  const home = folder();
  mkdirSync(join(home, ".tool"));
  const { found } = await scanned([], [{ name: "ann", uid: 1000, gid: 1000, home }]);
  expect(found.map((e) => [e.file?.path, e.seen.config])).toEqual([[join(home, ".tool"), { value: ["~/.tool"] }]]);
});

test.skipIf(lacking("root") !== undefined)(
  "a folder that may not be read is named once, whatever would lie in it, and the rest is scanned",
  async () => {
    const home = folder();
    npmTool(home, "plain");
    const locked = join(home, "locked");
    mkdirSync(locked);
    chmodSync(locked, 0);
    chmodSync(home, 0o755);
    const script = `
    import { systemClock } from "#lib/clock.ts";
    import { makeScan } from "#observe/scan.ts";
    const [home] = process.argv.slice(1);
    const roots = ["/locked/.local/lib", "/locked/bin", "/locked", "/lib/node_modules"].map((at) => home + at).map((path) => ({ path, owner: 0, holds: "npm", depth: 3 }));
    const wanted = { sizes: new Set(), needles: [], configs: [], pathProof: false, ecosystems: new Set(), extensions: false, signers: new Set() };
    const { scan } = makeScan({ wanted, roots, os: "linux", clock: systemClock, dpkgFolder: "/nowhere" });
    let found = 0;
    for await (const evidence of scan) found += 1;
    console.log(JSON.stringify([found, scan.unreadable]));`;
    const args = ["--input-type=module-typescript", "-e", script, home];
    const output = execFileSync(process.execPath, args, { uid: 65_534, gid: 65_534, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual([1, { count: 1, named: [{ path: locked, why: "not permitted" }] }]);
  },
);
