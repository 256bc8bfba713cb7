import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { environment } from "./layouts.ts";
import { audit, catalog } from "./look.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "edict-trees-")));
const read = { packages: 0, files: 0, programs: 0, megabytes: 0 };
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
  console.log(`read: ${JSON.stringify(read)}`);
});

/** Packages of whose names a tool's is a part, and packages that bring programs: popular ones, as found on 26 November 2026. */
const lists = z.object({ named: z.array(z.string()), native: z.array(z.string()) });
const { named, native } = lists.parse(
  JSON.parse(readFileSync(new URL("innocent-trees.json", import.meta.url), "utf8")),
);
const together = 6;
const groups = [named, native].flatMap((names) =>
  Array.from({ length: Math.ceil(names.length / together) }, (_, i) => names.slice(i * together, (i + 1) * together)),
);

const matcher = matcherOfEverything(catalog);
const dpkg = new DpkgDatabase("/nowhere");
const identifier = new Identifier({ wanted: matcher.wanted, dpkg, clock: systemClock });

/** Installs packages with all that they depend on, without any scripts: each by itself where they cannot be had together. */
function install(home: string, names: readonly string[]): readonly string[] {
  const env = { ...process.env, ...environment(base), npm_config_userconfig: join(homedir(), ".npmrc") };
  const args = [
    "install",
    "--prefix",
    home,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--legacy-peer-deps",
    "--loglevel=error",
  ];
  try {
    execFileSync("npm", [...args, ...names], { cwd: home, env, timeout: 600_000, stdio: ["ignore", "ignore", "pipe"] });
    return names;
  } catch (error) {
    if (names.length > 1) return names.flatMap((name) => install(home, [name]));
    console.warn(
      `not to be had: ${names[0]}: ${error instanceof Error ? error.message.split("\n")[1] : String(error)}`,
    );
    return [];
  }
}

/** Whether a path is a package that the catalog has for this very tool, or one of its platforms', or lies in it. */
function isItsOwn(tool: string, path: string): boolean {
  const identities = catalog.tools.find(({ id }) => id === tool)?.identities ?? [];
  const ids = identities.flatMap((one) => (one.kind === "package" && one.ecosystem === "npm" ? [one.id] : []));
  return ids.some((id) => `${path}/`.includes(`/node_modules/${id}/`) || path.includes(`/node_modules/${id}-`));
}

/** Files in which a tool could be: programs, scripts that are run, and bundles and libraries of some size. */
function candidates(home: string): readonly string[] {
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  read.packages += files.filter(({ name, parentPath }) => name === "package.json" && isPackage(parentPath)).length;
  return files
    .map(({ name, parentPath }) => join(parentPath, name))
    .filter((path) => {
      const { size, mode } = statSync(path);
      return (mode & 0o111) !== 0 || (size > 32_768 && /\.(?:[cm]?js|node|wasm)$/.test(path));
    });
}

function isPackage(folder: string): boolean {
  return /\/node_modules\/(?:@[^/]+\/)?[^/]+$/.test(folder);
}

/** Whether it is a program or a library of machine code, by its first bytes: ELF, Mach-O, PE. */
function isNative(path: string): boolean {
  const first = Buffer.alloc(4);
  const file = openSync(path, "r");
  readSync(file, first, 0, 4, 0);
  closeSync(file);
  return (
    ["7f454c46", "cffaedfe", "cafebabe"].includes(first.toString("hex")) || first.toString("latin1", 0, 2) === "MZ"
  );
}

/** Which tools a file is proven to be, "codex: the marker …". */
async function provenOf(path: string): Promise<readonly (readonly [tool: string, why: string])[]> {
  const raw = rawFromText(path);
  const found = raw === undefined ? undefined : await identifier.file(raw);
  if (found === undefined || !("seen" in found)) return [];
  return matcher
    .claims(found.seen, "linux")
    .filter(({ proves }) => proves)
    .map(({ target, reason }) => [target.tool.id, JSON.stringify(reason)]);
}

test.each(groups.map((names) => ({ names })))(
  "$names, with all that they depend on, are proven to be no tool but those they depend on",
  async ({ names }) => {
    const home = join(base, "home");
    mkdirSync(home);
    try {
      const had = install(home, names);
      expect(had.length).toBeGreaterThan(names.length / 2);
      const proven: string[] = [];
      const depends = new Set<string>();
      const judge = (tool: string, path: string, why: string): void => {
        if (isItsOwn(tool, path)) depends.add(tool);
        else proven.push(`${tool}: ${path}: ${why}`);
      };
      for (const { tool, where, grade, known } of await audit(home))
        if (grade === "proof") judge(tool, where, known[0]?.text ?? "");
      for (const path of candidates(home)) {
        for (const [tool, why] of await provenOf(path)) judge(tool, path, why);
        read.files += 1;
        read.megabytes += statSync(path).size / 2 ** 20;
        if (isNative(path)) read.programs += 1;
      }
      console.log(`${had.join(", ")}: depend on ${[...depends].join(", ") || "no tool"}; ${JSON.stringify(read)}`);
      expect(proven).toEqual([]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
  3_600_000,
);
