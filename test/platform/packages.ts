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

describe("what is put into quarantine", () => {
  test("a package goes as a whole, and comes back as it was", async () => {
    const program = packageIn(join(base, "home"));
    const folder = dirname(dirname(program));
    const before = picture(folder);
    const kept = await platform.quarantine(seen(program), hall);
    expect(existsSync(folder)).toBe(false);
    expect(kept).toMatchObject({ from: folder, owner: process.getuid?.() });
    expect(await platform.inQuarantine(hall)).toEqual([kept]);
    expect(statSync(hall).mode & 0o777).toBe(0o700);
    const manifest: unknown = JSON.parse(readFileSync(join(hall, kept.id, "manifest.json"), "utf8"));
    const sha256 = createHash("sha256").update("#!/bin/sh\necho tool\n").digest("hex");
    expect(manifest).toMatchObject({
      state: "kept",
      kind: "package",
      path: folder,
      entries: expect.arrayContaining([{ path: "bin/tool", mode: 0o755, size: 20, sha256 }]) as unknown,
    });
    expect(await platform.restore(kept.id, hall)).toEqual(kept);
    expect(picture(folder)).toEqual(before);
    expect(readdirSync(hall)).toEqual([]);
  });

  test("the innermost package of a file goes, and the one around it stays", async () => {
    const outer = packageIn(join(base, "home"), "outer");
    const inner = packageIn(dirname(dirname(outer)), "inner");
    await platform.quarantine(seen(inner), hall);
    expect(existsSync(inner)).toBe(false);
    expect(existsSync(outer)).toBe(true);
  });

  test("an editor's extension goes as a whole", async () => {
    const folder = join(base, "home/.vscode/extensions/vendor.tool-1.2.3");
    mkdirSync(join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ publisher: "Vendor", name: "tool" }));
    writeFileSync(join(folder, "dist/main.js"), "");
    const kept = await platform.quarantine(seen(join(folder, "dist/main.js")), hall);
    expect(kept.from).toBe(folder);
    expect(existsSync(folder)).toBe(false);
  });

  test("a program outside any package goes alone", async () => {
    mkdirSync(join(base, "bin"));
    writeFileSync(join(base, "bin/tool"), "x", { mode: 0o755 });
    writeFileSync(join(base, "bin/other"), "x", { mode: 0o755 });
    expect((await platform.quarantine(seen(join(base, "bin/tool")), hall)).from).toBe(join(base, "bin/tool"));
    expect(readdirSync(join(base, "bin"))).toEqual(["other"]);
  });

  test("a folder that only looks like a package is not taken for one", async () => {
    const program = packageIn(join(base, "home"), "tool", { name: "something-else" });
    expect((await platform.quarantine(seen(program), hall)).from).toBe(program);
    expect(existsSync(join(dirname(dirname(program)), "package.json"))).toBe(true);
  });

  test("a name that is not UTF-8 comes back byte for byte", async () => {
    const path = Buffer.concat([Buffer.from(`${base}/t`), Buffer.of(0xff, 0x0a), Buffer.from("ol")]);
    writeFileSync(path, "x", { mode: 0o755 });
    const kept = await platform.quarantine({ path: path.toString(), pathBytes: path.toString("base64") }, hall);
    expect(existsSync(path)).toBe(false);
    await platform.restore(kept.id, hall);
    expect(existsSync(path)).toBe(true);
  });
});
