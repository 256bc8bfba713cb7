import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addPlatformPackage, hashOf, installPackage, source, writeManifest } from "./npm-package.ts";
import type { Place } from "./place.ts";
import type { Build, Kind, Tool } from "./tool.ts";

const npm = (id: string): object => ({ kind: "package", ecosystem: "npm", id });
const none = { interpreter: undefined, importing: undefined, module: undefined, modules: undefined } as const;
const innocent = (tree: string): void => writeManifest(tree, "@innocent/notes", { type: "module" });
const words = (place: Place, kind: Kind): string => `edict.parrot.${kind}.${place.token}`;

/** Compiles C with gcc. @throws with the compiler's words */
export function compile(from: string, to: string): void {
  execFileSync("gcc", ["-O1", "-o", to, from], { stdio: ["ignore", "ignore", "pipe"] });
}

/** A program in C, with its marker in a section of its own. */
export const buildNative: Build = (place) => {
  const marker = words(place, "native");
  const program = join(place.base, "native");
  try {
    compile(source(place, "parrot.c", marker), program);
  } catch (error) {
    return `gcc could not build it: ${firstLine(error)}`;
  }
  return packaged(place, { name: "native", title: "native (C)", program, marker, section: ".parrot" });
};

/** A program that Bun made of a script, as Claude Code and others ship theirs. */
export const buildBun: Build = (place) => {
  const marker = words(place, "bun");
  const folder = join(place.base, "bun");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const program = join(folder, "parrot");
  try {
    const install = ["install", "--no-save", "--loglevel=error", "--ignore-scripts", bunPackage];
    execFileSync("npm", install, { cwd: folder, stdio: "pipe" });
    const bun = join(folder, "node_modules/@oven/bun-linux-x64/bin/bun");
    const from = source(place, "parrot.mjs", marker);
    execFileSync(bun, ["build", "--compile", "--outfile", program, from], { cwd: folder, stdio: "pipe" });
  } catch (error) {
    return `Bun was not to be had: ${firstLine(error)}`;
  }
  return packaged(place, { name: "bun", title: "Bun-compiled", program, marker, section: ".bun" });
};

/** Exact, so that a row does not change under our hands. */
const bunPackage = "@oven/bun-linux-x64@1.4.5";

function packaged(
  place: Place,
  tool: { name: "native" | "bun"; title: string; program: string; marker: string; section: string },
): Tool {
  const file = "bin/parrot.exe";
  const { id, folder, bin, entry } = installPackage(place, { name: tool.name, file, content: tool.program });
  const platform = addPlatformPackage({ id, folder, bin, entry });
  const marker = { kind: "marker", bytes: tool.marker, where: "elf-section", section: tool.section };
  return {
    ...none,
    kind: tool.name,
    title: tool.title,
    bin,
    entry,
    tree: folder,
    runTree: (tree) => [join(tree, file)],
    editManifest: innocent,
    npm: id,
    markers: [tool.marker],
    files: [entry],
    identities: [npm(id), npm(platform), hashOf(entry), marker],
  };
}

/** A script for Node, as Gemini CLI and others ship theirs. */
export const buildScript: Build = (place) => {
  const marker = words(place, "script");
  const file = "dist/cli.js";
  const content = source(place, "parrot.mjs", marker);
  const { id, folder, bin, entry } = installPackage(place, { name: "script", file, content });
  return {
    ...none,
    kind: "script",
    title: "Node script",
    bin,
    entry,
    interpreter: process.execPath,
    tree: folder,
    runTree: (tree) => [join(tree, file)],
    editManifest: innocent,
    npm: id,
    importing: `import(${JSON.stringify(entry)})`,
    module: [process.execPath, "--import", entry, "-e", "0"],
    markers: [marker],
    files: [entry],
    identities: [npm(id), hashOf(entry), { kind: "marker", bytes: marker }],
  };
};

/** A Python tool as `uv tool install` and pipx leave it: an environment of its own with a console script. */
export const buildPython: Build = (place) => {
  const python = "/usr/bin/python3";
  if (!existsSync(python)) return "there is no /usr/bin/python3";
  const versionCode = "import sys; print(f'python{sys.version_info[0]}.{sys.version_info[1]}')";
  const version = execFileSync(python, ["-c", versionCode]).toString().trim();
  const id = "edict-parrot-python";
  const name = `edict_parrot_${place.token}`;
  const marker = words(place, "python");
  const tree = join(place.home, ".local/share/uv/tools", id);
  const site = join(tree, "lib", version, "site-packages");
  const [own, info] = [join(site, name), join(site, "edict_parrot_python-1.0.0.dist-info")];
  for (const folder of [join(tree, "bin"), own, info]) mkdirSync(folder, { recursive: true });
  const interpreter = join(tree, "bin/python3");
  symlinkSync(python, interpreter);
  writeFileSync(join(tree, "pyvenv.cfg"), `home = /usr/bin\ninclude-system-site-packages = false\n`);
  execFileSync("/bin/cp", [source(place, "parrot.py", marker), join(own, "__main__.py")]);
  writeFileSync(join(own, "__init__.py"), "");
  const entry = join(tree, "bin/edict-parrot");
  const imports = `from ${name}.__main__ import main`;
  const lines = [`#!${interpreter}`, "# -*- coding: utf-8 -*- spare feathers", "import sys", imports];
  writeFileSync(entry, `${[...lines, "if __name__ == '__main__':", "    sys.exit(main())"].join("\n")}\n`, {
    mode: 0o755,
  });
  writeFileSync(join(info, "METADATA"), metadata(id));
  writeFileSync(join(info, "entry_points.txt"), `[console_scripts]\nedict-parrot = ${name}.__main__:main\n`);
  const listed = [`${name}/__init__.py`, `${name}/__main__.py`, "../../../bin/edict-parrot"];
  writeFileSync(join(info, "RECORD"), listed.map((file) => `${file},,\n`).join(""));
  // As pip does it: from then on Python reads the compiled module and leaves its source alone.
  execFileSync(python, ["-m", "compileall", "-q", own], { stdio: "pipe" });
  const cache = join(own, "__pycache__");
  const compiled = readdirSync(cache).map((file) => join(cache, file));
  return {
    kind: "python",
    title: "Python tool",
    bin: entry,
    entry,
    interpreter,
    tree,
    runTree: (at) => [join(at, "bin/python3"), "-m", name],
    editManifest: (at) =>
      writeFileSync(
        join(at, "lib", version, "site-packages/edict_parrot_python-1.0.0.dist-info/METADATA"),
        metadata("notes"),
      ),
    npm: undefined,
    importing: `${imports}; main()`,
    module: [interpreter, "-m", name],
    modules: site,
    markers: [imports, marker],
    files: [entry, join(own, "__main__.py"), ...compiled],
    identities: [
      { kind: "package", ecosystem: "pypi", id },
      hashOf(entry),
      { kind: "marker", bytes: imports },
      { kind: "marker", bytes: marker },
    ],
  };
};

function metadata(name: string): string {
  return `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`;
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n").find((line) => line !== "") ?? "") : String(error);
}
