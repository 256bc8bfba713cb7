import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Catalog } from "#policy/tool.ts";
import { sectioned } from "../observe/sectioned.ts";

/** A home on a disk of its own. */
export interface BenchHome {
  /** The whole of it, and a tenth of it. */
  readonly home: string;
  readonly tenth: string;
  readonly files: number;
  readonly tools: number;
  close(): void;
}

/** In each tenth: packages of projects, git's objects, and people's own files, of which one in a hundred can be run. */
const parts = { packages: 2_000, objects: 10_000, own: 30_000 } as const;
/** Files of one package, in three folders. */
const perPackage = [6, 14, 10] as const;
/** Native programs with a marker are among the tools, each so large. */
const native = 40 * 2 ** 20;

/** A million files and sixty tools on an ext4 of their own, or in a folder where nobody may mount. */
export function makeHome(catalog: Catalog): BenchHome {
  const base = mkdtempSync(join(tmpdir(), "edict-bench-audit-"));
  const unmount = mount(base);
  const home = join(base, "disk/home");
  let [files, tools] = [0, 0];
  const put = (path: string, content = "", mode = 0o644): void => {
    files += 1;
    if (content === "") closeSync(openSync(path, "w", mode));
    else writeFileSync(path, content, { mode });
  };
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const at = join(home, `tenth-${tenth}`);
    putPackages(at, put);
    putObjects(at, put);
    putOwn(at, put);
    tools += putTools(at, tenth, catalog, put);
  }
  return {
    home,
    tenth: join(home, "tenth-0"),
    files,
    tools,
    close: () => {
      unmount();
      rmSync(base, { recursive: true });
    },
  };
}

type Put = (path: string, content?: string, mode?: number) => void;

/** Two projects of a thousand packages each. */
function putPackages(at: string, put: Put): void {
  for (let i = 0; i < parts.packages; i += 1) {
    const name = `package-${i % 1000}`;
    const folder = join(at, `projects/project-${Math.floor(i / 1000)}/node_modules`, name);
    for (const [depth, count] of perPackage.entries()) {
      const inner = [folder, join(folder, "lib"), join(folder, "lib/dist")][depth] ?? folder;
      mkdirSync(inner, { recursive: true });
      for (let file = depth === 0 ? 1 : 0; file < count; file += 1) put(join(inner, `module-${file}.js`));
    }
    put(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
  }
}

/** git keeps 256 folders. */
function putObjects(at: string, put: Put): void {
  for (let i = 0; i < parts.objects; i += 1) {
    const folder = join(at, "projects/project-0/.git/objects", (i % 256).toString(16).padStart(2, "0"));
    if (i < 256) mkdirSync(folder, { recursive: true });
    put(join(folder, i.toString(16).padStart(38, "0")), "", 0o444);
  }
}

/** Ten files a folder. */
function putOwn(at: string, put: Put): void {
  for (let i = 0; i < parts.own; i += 1) {
    const folder = join(at, `Documents/year-${i % 30}/folder-${Math.floor(i / 10)}`);
    if (i % 10 === 0) mkdirSync(folder, { recursive: true });
    const run = i % 100 === 0;
    put(
      join(at, `Documents/year-${(i - (i % 10)) % 30}/folder-${Math.floor(i / 10)}/file-${i % 10}`),
      run ? "#!/bin/sh\n" : "",
      run ? 0o755 : 0o644,
    );
  }
}

/** Six tools: four of the catalog's packages, an extension, and a native program that is known by its bytes. */
function putTools(at: string, tenth: number, catalog: Catalog, put: Put): number {
  const all = catalog.tools.flatMap(({ identities }) => identities);
  const packages = all.flatMap((one) => (one.kind === "package" && one.ecosystem === "npm" ? one.id : []));
  for (let i = 0; i < 4; i += 1) {
    const id = packages[(tenth * 4 + i) % packages.length] ?? "";
    const folder = join(at, `prefix-${i}/lib/node_modules`, id);
    mkdirSync(folder, { recursive: true });
    put(join(folder, "package.json"), JSON.stringify({ name: id, version: "1.0.0" }));
  }
  const extension = join(at, ".vscode/extensions/anthropic.claude-code-2.0.0");
  mkdirSync(extension, { recursive: true });
  put(
    join(extension, "package.json"),
    JSON.stringify({ publisher: "anthropic", name: "claude-code", version: "2.0.0" }),
  );
  const program = join(at, "bin/renamed");
  mkdirSync(dirname(program), { recursive: true });
  put(program, "", 0o755);
  writeProgram(program, native);
  return 6;
}

/** A native program of so many bytes whose section ends with what stands in Claude Code's. */
export function writeProgram(path: string, size: number): void {
  const { bytes, sections } = sectioned(size, [{ name: ".bun", offset: 64, size: size - 4096 }]);
  const [section] = sections;
  if (section !== undefined) bytes.write("com.anthropic.claude-code", section.offset + section.size - 64, "latin1");
  // Not zeros, which a search passes over faster than code.
  for (let at = 64; at < size - 8192; at += 8) bytes.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
  writeFileSync(path, bytes, { mode: 0o755 });
}

/** Mounts a fresh ext4 below a folder of a disk, as root; gives what takes it away. */
function mount(base: string): () => void {
  const [image, disk] = [join(base, "image"), join(base, "disk")];
  mkdirSync(disk);
  if (process.getuid?.() !== 0) return () => undefined;
  writeFileSync(image, "");
  truncateSync(image, 12 * 2 ** 30);
  execFileSync("mkfs.ext4", ["-q", "-F", "-N", "1600000", "-O", "^has_journal", "-E", "lazy_itable_init=0", image]);
  execFileSync("mount", ["-o", "loop,noatime", image, disk]);
  const device = execFileSync("findmnt", ["-no", "SOURCE", disk], { encoding: "utf8" }).trim();
  // A disk has no second cache below its own that reads ahead of one reader, and loses its place with two.
  execFileSync("losetup", ["--direct-io=on", device]);
  return () => {
    execFileSync("umount", [disk]);
    rmdirSync(disk);
  };
}
