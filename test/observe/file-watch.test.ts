import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { FileWatch } from "#observe/file-watch.ts";
import type { InstallRoot } from "#platform/platform.ts";
import { folder, nativeTool, npmTool, write } from "./place.ts";

const watches: FileWatch[] = [];
afterEach(() => Promise.all(watches.splice(0).map((watch) => watch.close())));

async function watching(...roots: readonly (readonly [path: string, holds: InstallRoot["holds"], depth: number])[]) {
  const found = new Set<string>();
  const watch = new FileWatch((candidate) => {
    if (candidate.what === "packages") found.add("packages");
    else found.add(`${candidate.what} ${candidate.what === "program" ? candidate.path : candidate.folder}`);
  });
  watches.push(watch);
  await watch.add(roots.map(([path, holds, depth]) => ({ path, owner: 0, holds, depth })));
  return { found, watch };
}

test("a package that is installed is noticed, with a scope and without, and nothing inside of packages is watched", async () => {
  const home = folder();
  const modules = join(home, "lib/node_modules");
  npmTool(home, "already");
  for (let i = 0; i < 50; i += 1) write(join(modules, "already/node_modules", `dep${i}`, "package.json"), "{}");
  const { found, watch } = await watching([modules, "npm", 3]);
  npmTool(join(home, "staging"), "@example/tool");
  mkdirSync(join(modules, "@example"));
  renameSync(join(home, "staging/lib/node_modules/@example/tool"), join(modules, "@example/tool"));
  npmTool(home, "plain");
  await expect.poll(() => [...found].toSorted()).toEqual([`npm ${modules}/@example/tool`, `npm ${modules}/plain`]);
  expect(watch.health.watched).toBeLessThan(10);
});

test("a root that does not exist yet is watched as soon as it does, with what is in it by then", async () => {
  const home = folder();
  const modules = join(home, ".nvm/versions/node/v26.10.0/lib/node_modules");
  const { found } = await watching([join(home, ".nvm/versions/node"), "npm", 5], [join(home, ".local/bin"), "bin", 1]);
  npmTool(join(home, ".nvm/versions/node/v26.10.0"), "plain");
  const program = nativeTool(join(home, ".local/bin/tool"));
  await expect.poll(() => [...found].toSorted()).toEqual([`npm ${modules}/plain`, `program ${program}`]);
});

test("a root that is removed and made again is watched again", async () => {
  const home = folder();
  const bin = join(home, "bin");
  mkdirSync(bin);
  const { found } = await watching([bin, "bin", 1]);
  rmSync(bin, { recursive: true });
  await expect
    .poll(() => {
      nativeTool(join(bin, "tool"));
      return [...found];
    })
    .toEqual([`program ${bin}/tool`]);
});

test("links are not followed out of a root, and loops harm nobody", async () => {
  const home = folder();
  const extensions = join(home, ".vscode/extensions");
  mkdirSync(extensions, { recursive: true });
  symlinkSync(home, join(extensions, "loop"));
  const { found } = await watching([extensions, "units", 1]);
  write(join(home, "elsewhere/a.b-1.0.0/package.json"), "{}");
  symlinkSync(join(home, "elsewhere"), join(extensions, "out"));
  write(join(extensions, "a.b-1.0.0/package.json"), "{}");
  await expect.poll(() => [...found]).toContain(`extension ${extensions}/a.b-1.0.0`);
  expect([...found].filter((place) => place.includes("elsewhere"))).toEqual([]);
});

test("a change of Debian's database is noticed", async () => {
  const home = folder();
  const status = write(join(home, "dpkg/status"), "");
  const { found } = await watching([join(home, "dpkg"), "packages", 1]);
  write(join(home, "dpkg/status-new"), "Package: x\n");
  renameSync(join(home, "dpkg/status-new"), status);
  await expect.poll(() => [...found]).toEqual(["packages"]);
});
