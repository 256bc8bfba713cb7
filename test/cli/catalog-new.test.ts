import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { parseTool } from "#policy/parse.ts";
import type { Identity } from "#policy/tool.ts";
import { folder, write } from "../observe/place.ts";
import { sectioned } from "../observe/sectioned.ts";
import { edictAt } from "./edict.ts";
import { edict } from "./run.ts";

const moment = parseInstant("2026-07-11T00:00:00Z");
const script = '#!/usr/bin/env node\nconst home = process.env["TOOLISH_HOME"];\nconsole.log(home);\n';

/** A package as npm lays it, with a script, and a native program for this system beside it. */
function toolishIn(home: string): string {
  const modules = join(home, "node_modules/@example");
  write(join(modules, "toolish/cli.js"), script, 0o755);
  write(
    join(modules, "toolish/package.json"),
    JSON.stringify({
      name: "@example/toolish",
      version: "1.2.3",
      homepage: "https://toolish.example",
      bin: { toolish: "cli.js" },
      optionalDependencies: { "@example/toolish-linux-x64": "1.2.3", "@example/toolish-darwin-arm64": "1.2.3" },
    }),
  );
  const strings = "\0com.example.toolish\0TOOLISH_DAEMON\0com.example.toolish\0";
  const { bytes, sections } = sectioned(4096, [{ name: ".bun", offset: 128, size: strings.length }]);
  bytes.write(strings, sections[0]?.offset ?? 0);
  write(join(modules, "toolish-linux-x64/vendor/bin/toolish"), bytes, 0o755);
  write(
    join(modules, "toolish-linux-x64/package.json"),
    JSON.stringify({ name: "@example/toolish-linux-x64", version: "1.2.3" }),
  );
  return join(modules, "toolish");
}

async function draft(cwd: string, ...argv: readonly string[]) {
  const { code, out, err } = await edictAt(moment, cwd, "catalog", "new", ...argv);
  return { code, out, err, tool: code === 0 && out !== "" ? parseTool(Buffer.from(out)) : undefined };
}

function manifest(more: object): string {
  return JSON.stringify({ name: "@example/toolish", version: "1.2.3", ...more });
}

function markersOf(identities: readonly Identity[] = []): readonly string[] {
  return identities.flatMap((identity) => (identity.kind === "marker" ? [identity.bytes] : []));
}

test("a package's folder becomes a file of the catalog, with what a person needs to go on", async () => {
  const home = folder();
  const { code, tool, err } = await draft(home, toolishIn(home));
  expect(code).toBe(0);
  expect(tool).toMatchObject({ id: "toolish", name: "toolish", homepage: "https://toolish.example" });
  const packages = tool?.identities.filter(({ kind }) => kind === "package");
  expect(packages).toMatchObject([
    { id: "@example/toolish" },
    { id: "@example/toolish-linux-x64" },
    { id: "@example/toolish-darwin-arm64" },
  ]);
  expect(markersOf(tool?.identities)).toEqual(['const home = process.env["TOOLISH_HOME"]', "TOOLISH_DAEMON"]);
  const [hash] = tool?.identities.filter(({ kind }) => kind === "hash") ?? [];
  expect(hash).toMatchObject({ source: "@example/toolish-linux-x64@1.2.3 (vendor/bin/toolish)" });
  expect(err).toContain("markers: 2, each in none of ");
  expect(err).toContain(process.execPath);
});

test("an installed package is found by its name, from the folder one stands in upwards", async () => {
  const home = folder();
  toolishIn(home);
  const below = join(home, "work/project");
  mkdirSync(below, { recursive: true });
  expect((await draft(below, "@example/toolish")).tool?.identities[0]).toMatchObject({ id: "@example/toolish" });
});

test("what pnpm laid in its store and linked is looked at where it lies", async () => {
  const home = folder();
  const toolish = toolishIn(home);
  const store = join(home, "store/toolish-linux-x64");
  mkdirSync(dirname(store));
  renameSync(`${toolish}-linux-x64`, store);
  symlinkSync(store, `${toolish}-linux-x64`);
  symlinkSync(toolish, join(home, "linked"));
  const { tool } = await draft(home, "linked");
  expect(markersOf(tool?.identities)).toContain("TOOLISH_DAEMON");
});

test("a program is drafted by the package that it lies in, and through a link", async () => {
  const home = folder();
  const from = toolishIn(home);
  symlinkSync(join(from, "cli.js"), join(home, "anything"));
  expect((await draft(home, "anything")).tool?.id).toBe("toolish");
});

test("a file of a package that is no command of it is looked at too where it is named", async () => {
  const home = folder();
  const from = toolishIn(home);
  write(join(from, "cli.js"), '#!/usr/bin/env node\nimport "./work.js";\n', 0o755);
  write(join(from, "work.js"), 'const home = process.env["TOOLISH_WORK"];\n');
  const first = await draft(home, join(from, "cli.js"));
  expect(markersOf(first.tool?.identities)).toEqual(["TOOLISH_DAEMON"]);
  const again = await draft(home, join(from, "work.js"));
  expect(markersOf(again.tool?.identities)).toContain('const home = process.env["TOOLISH_WORK"]');
  expect(again.tool?.identities[0]).toMatchObject({ id: "@example/toolish" });
});

test("where there is no marker, and where the catalog has the package, it is said", async () => {
  const home = folder();
  write(join(home, "node_modules/cline/package.json"), '{"name":"cline","version":"1.0.0"}');
  const { err } = await draft(home, "cline");
  expect(err).toContain("The catalog has one of its packages already: Cline (cline.json).\n");
  expect(err).toContain("markers: none. Where another file does the work");
});

test("a program that no package owns has no source, and says so", async () => {
  const home = folder();
  const path = write(join(home, "toolish"), `${script}const daemon = run("toolish");\n`, 0o755);
  const { tool, err } = await draft(home, path);
  expect(markersOf(tool?.identities)).toContain('const daemon = run("toolish")');
  expect(tool?.identities.every(({ source }) => source === undefined)).toBe(true);
  expect(err).toContain("No package owns it");
});

test("a runtime has no marker: all that it says stands in runtimes", async () => {
  const { tool } = await draft(folder(), "/bin/bash");
  expect(markersOf(tool?.identities)).toEqual([]);
});

test("folders of the tool in the home of whoever drafts are hints", async () => {
  const home = folder();
  const path = toolishIn(home);
  mkdirSync(join(home, ".config/toolish"), { recursive: true });
  write(join(home, ".toolish"), "a file");
  const { out } = await edict(["catalog", "new", path], { env: { HOME: home } });
  const configs = parseTool(Buffer.from(out)).identities.flatMap((i) => (i.kind === "config" ? [i.path] : []));
  expect(configs).toEqual(["~/.config/toolish"]);
});

test("--out writes a new file, and no other", async () => {
  const home = folder();
  const path = toolishIn(home);
  expect(await draft(home, path, "--out", "toolish.json")).toMatchObject({ code: 0, out: "" });
  expect(parseTool(readFileSync(join(home, "toolish.json"))).id).toBe("toolish");
  expect(await draft(home, path, "--out", "toolish.json")).toMatchObject({ code: 1 });
});

test("where the disk is full, no half of a file is left", async () => {
  const home = folder();
  const path = toolishIn(home);
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const line = `ulimit -f 1; exec "$0" ${main} catalog new ${path} --out ${home}/full.json`;
  const { status, stderr } = spawnSync("/bin/bash", ["-c", line, process.execPath], { encoding: "utf8" });
  expect([status, stderr]).toEqual([1, expect.stringContaining("full.json cannot be written: EFBIG")]);
  expect(existsSync(join(home, "full.json"))).toBe(false);
});

describe("nothing that lies there does harm", () => {
  test.each([
    ["nothing", () => undefined],
    ["an empty folder", (at: string) => mkdirSync(at)],
    ["a loop of links", (at: string) => symlinkSync(at, at)],
    ["a FIFO", (at: string) => execFileSync("mkfifo", [at])],
    [
      "a folder whose package.json is a FIFO",
      (at: string) => {
        mkdirSync(at);
        execFileSync("mkfifo", [join(at, "package.json")]);
      },
    ],
    ["a package.json of two megabytes", (at: string) => write(join(at, "package.json"), " ".repeat(2_000_000))],
    [
      "a file that says it has a terabyte",
      (at: string) => {
        write(at, "");
        truncateSync(at, 2 ** 40);
      },
    ],
  ])("%s is refused with a sentence", async (_, make) => {
    const home = folder();
    make(join(home, "thing"));
    const { code, out, err } = await draft(home, "thing");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^edict: thing: .+; expected a program, a package's folder or an installed npm package\n$/);
  });

  test("a manifest that names programs elsewhere does not have them read", async () => {
    const home = folder();
    write(join(home, "secret.js"), 'const secret = process.env["TOOLISH_SECRET"];');
    const at = join(home, "toolish");
    write(
      join(at, "package.json"),
      manifest({ bin: { toolish: "../secret.js", other: "link.js", third: "/etc/passwd" } }),
    );
    symlinkSync("../secret.js", join(at, "link.js"));
    const { code, out, err } = await draft(home, "toolish");
    expect(code).toBe(0);
    expect(out).not.toContain("SECRET");
    expect(err.match(/it lies not in the package/g)).toHaveLength(3);
  });

  test("what a stranger wrote comes out as ASCII, and as words", async () => {
    const home = folder();
    const at = join(home, "toolish");
    write(join(at, "cli.js"), 'process.env["TOOLISH_\u001b[2J"] = "\u202e";\nprocess.env["TOOLISH_HOME"] = "x";\n');
    write(
      join(at, "package.json"),
      manifest({ homepage: "https://toolish.example/\u001b[2J", bin: { toolish: "cli.js", "\u001b[2J": "cli.js" } }),
    );
    const { out, err, tool } = await draft(home, "toolish");
    expect(out).toMatch(/^[\n\x20-\x7e]*$/);
    expect(err).not.toContain("\u001b");
    expect(tool?.homepage).toBeUndefined();
    expect(markersOf(tool?.identities)).toEqual(['process.env["TOOLISH_HOME"] = "x"']);
  });

  test("a program with a name that steers a terminal is drafted all the same", async () => {
    const home = folder();
    write(join(home, "toolish\u001b[2J\u202e\u00f6"), script, 0o755);
    const { code, out, err } = await draft(home, "toolish\u001b[2J\u202e\u00f6");
    expect(code).toBe(0);
    expect(out).toMatch(/^[\n\x20-\x7e]*$/);
    expect(err).not.toContain("\u001b");
    expect(parseTool(Buffer.from(out)).id).toBe("toolish-2j-");
  });

  test("a program is looked for four folders deep, and no deeper", async () => {
    const home = folder();
    const at = toolishIn(home);
    const vendor = join(home, "node_modules/@example/toolish-linux-x64/vendor");
    renameSync(join(vendor, "bin"), join(vendor, "..", "bin"));
    const hashes = async () => (await draft(home, at)).tool?.identities.filter(({ kind }) => kind === "hash");
    expect(await hashes()).toHaveLength(1);
    mkdirSync(join(vendor, "a/b/c"), { recursive: true });
    renameSync(join(vendor, "..", "bin"), join(vendor, "a/b/c/bin"));
    expect(await hashes()).toEqual([]);
  });
});
