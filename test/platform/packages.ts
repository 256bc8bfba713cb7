import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** A package as npm would lay it out; gives its program. */
export function packageIn(
  home: string,
  id = "@vendor/tool",
  manifest: object = { name: id, version: "1.0.0" },
): string {
  const folder = join(home, "lib/node_modules", id);
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "bin/tool"), "#!/bin/sh\necho tool\n", { mode: 0o755 });
  symlinkSync("bin/tool", join(folder, "link"));
  utimesSync(join(folder, "bin/tool"), 1_700_000_000, 1_700_000_000);
  return join(folder, "bin/tool");
}

export function own(path: string, uid: number): void {
  execFileSync("/usr/bin/chown", ["-Rh", `${uid}:${uid}`, path]);
}

/** Everything below a folder: names, kinds, modes, owners, times and contents. */
export function picture(path: string): unknown {
  const stats = lstatSync(path);
  const mode = (stats.mode & 0o7777).toString(8);
  if (stats.isSymbolicLink()) return { link: readlinkSync(path), uid: stats.uid };
  if (stats.isFile())
    return { mode, uid: stats.uid, mtime: Math.round(stats.mtimeMs), text: readFileSync(path, "utf8") };
  const children = readdirSync(path).toSorted();
  return { mode, uid: stats.uid, children: children.map((name) => [name, picture(join(path, name))]) };
}
