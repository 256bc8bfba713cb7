import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rawFromBytes, rawFromText } from "#observe/raw-path.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { lacking } from "../needs.ts";
import { evidenceOf, folder, identifier, nativeTool, needle, npmTool, start, wanting, write } from "./place.ts";

const tool = { ecosystem: "npm", id: "@example/tool", version: "1.2.3" };

async function seenOf(path: string, wanted = wanting()) {
  const raw = rawFromText(path);
  const found = raw === undefined ? { unread: "no path" } : await identifier(wanted).file(raw);
  if ("unread" in found) throw new Error(found.unread);
  return found.seen;
}

describe("a script tool", () => {
  test("is its package, whatever link it is started through", async () => {
    const home = folder();
    const { script } = npmTool(home, "@example/tool");
    mkdirSync(join(home, "bin"));
    symlinkSync(script, join(home, "bin/renamed"));
    for (const argument of [script, join(home, "bin/renamed"), "bin/renamed", "./bin/../bin/renamed"]) {
      const child = await start(process.execPath, ["--no-warnings", argument, "--flag"], { cwd: home });
      const evidence = await evidenceOf(child.pid);
      expect([argument, evidence.script?.path]).toEqual([argument, script]);
      expect([argument, evidence.seen.package]).toEqual([argument, { value: [tool] }]);
      expect(evidence.interpreter?.package).not.toMatchObject({ value: [tool] });
      expect(evidenceSchema.safeParse(evidence).error).toBeUndefined();
    }
  });

  test("started by its #! line is the script, not the shell", async () => {
    const home = folder();
    const script = write(join(home, "node_modules/shelltool/run"), "#!/bin/sh\nwhile :; do sleep 1; done\n", 0o755);
    write(join(home, "node_modules/shelltool/package.json"), '{"name":"shelltool","version":"1.0.0"}');
    const evidence = await evidenceOf((await start(script, [])).pid);
    expect(evidence.script?.path).toBe(script);
    expect(evidence.seen.package).toMatchObject({ value: [{ id: "shelltool" }] });
  });

  test("keeps its marker when the whole tree is copied and its manifest edited", async () => {
    const home = folder();
    const { root } = npmTool(home, "@example/tool");
    writeFileSync(join(root, "cli.js"), `setInterval(() => {}, 1000); // ${needle.bytes}\n`);
    cpSync(root, join(home, "mine"), { recursive: true });
    const evidence = await evidenceOf((await start(process.execPath, [join(home, "mine/cli.js")])).pid);
    expect(evidence.seen.package).toEqual({ absent: true });
    expect(evidence.seen.marker).toEqual({ value: [needle] });
  });

  test("run by a node that was copied under another name is its package still", async () => {
    const home = folder();
    const { script } = npmTool(home, "@example/tool");
    const renamed = join(home, "innocent");
    copyFileSync(process.execPath, renamed);
    const evidence = await evidenceOf((await start(renamed, [script])).pid);
    expect(evidence.script?.path).toBe(script);
    expect(evidence.seen.package).toEqual({ value: [tool] });
  });

  test("given as code or on standard input is unread, not absent", async () => {
    const evidence = await evidenceOf((await start(process.execPath, ["-e", "setInterval(() => {}, 1000)"])).pid);
    expect(evidence.seen.package).toEqual({ unread: "code from an argument" });
    expect(evidence.script).toBeUndefined();
    expect(evidence.interpreter?.path).toEqual({ value: [process.execPath] });
  });
});

describe("a native tool", () => {
  test("keeps its marker renamed, copied, hard-linked, linked, and under another argv[0]", async () => {
    const home = folder();
    const original = nativeTool(join(home, "tool"));
    copyFileSync(original, join(home, "copy"));
    linkSync(original, join(home, "hard"));
    symlinkSync(original, join(home, "soft"));
    for (const name of ["tool", "copy", "hard", "soft"]) {
      const evidence = await evidenceOf((await start(join(home, name), ["1000"], { argv0: "vim" })).pid);
      expect([name, evidence.seen.marker]).toEqual([name, { value: [needle] }]);
      expect(evidence.seen.name).toMatchObject({ value: expect.arrayContaining(["vim"]) });
      expect(evidence.script).toBeUndefined();
    }
    renameSync(original, join(home, "innocent"));
    expect((await evidenceOf((await start(join(home, "innocent"), ["9"])).pid)).seen.marker).toEqual({
      value: [needle],
    });
  });

  test("whose file was deleted is still read; what only its path could say is unread", async () => {
    const path = nativeTool(join(folder(), "tool"));
    const child = await start(path, ["1000"]);
    unlinkSync(path);
    const evidence = await evidenceOf(child.pid);
    expect(evidence.seen.marker).toEqual({ value: [needle] });
    expect(evidence.seen.path).toMatchObject({ unread: expect.stringContaining("deleted") });
    expect(evidence.seen.package).toMatchObject({ unread: expect.stringContaining("deleted") });
  });

  test("is not taken for the file that lies under its name by now", async () => {
    const home = folder();
    const { root } = npmTool(home, "@example/tool");
    const path = nativeTool(join(root, "program"));
    const child = await start(path, ["1000"]);
    unlinkSync(path);
    write(path, "another", 0o755);
    const evidence = await evidenceOf(child.pid);
    expect(evidence.seen.package).toMatchObject({ unread: expect.any(String) });
    expect(evidence.seen.marker).toEqual({ value: [needle] });
  });

  test("is hashed where the size is wanted, and only there", async () => {
    const path = nativeTool(join(folder(), "tool"));
    const { size } = statSync(path);
    const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
    expect((await seenOf(path, wanting({ sizes: new Set([size]) }))).hash).toEqual({ value: [sha256] });
    expect((await seenOf(path, wanting({ sizes: new Set([size + 1]) }))).hash).toEqual({
      unread: "no identity has this size",
    });
  });

  test("under a name with newlines, escapes and bytes that are not UTF-8 is read, and its path's bytes are kept", async () => {
    const home = folder();
    const bytes = Buffer.concat([Buffer.from(`${home}/a\n\u001b[2J`), Buffer.of(0xff, 0xfe)]);
    copyFileSync(nativeTool(join(home, "tool")), bytes);
    const raw = rawFromBytes(bytes);
    const found = raw === undefined ? undefined : await identifier().file(raw);
    expect(found).toMatchObject({
      seen: { marker: { value: [needle] } },
      file: { pathBytes: bytes.toString("base64") },
    });
  });

  test("under a path of 4 KiB is read", async () => {
    const home = folder();
    const deep = `${home}/${"d".repeat(200)}`.padEnd(4050, `/${"e".repeat(200)}`).replace(/\/$/, "x");
    execFileSync("mkdir", ["-p", deep]);
    expect((await seenOf(nativeTool(`${deep}/tool`))).marker).toEqual({ value: [needle] });
  });
});

describe("attribution", () => {
  test("needs a node_modules folder of the package's own name", async () => {
    const home = folder();
    const manifest = JSON.stringify({ name: "@example/tool", version: "1.2.3" });
    write(join(home, "package.json"), manifest);
    write(join(home, "node_modules/other/package.json"), manifest);
    for (const path of ["cli.js", "node_modules/other/cli.js", "node_modules/.bin/cli.js", "node_modules/cli.js"])
      expect([path, (await seenOf(write(join(home, path), "1"))).package]).toEqual([path, { absent: true }]);
  });

  test("follows a platform package that is published as an alias of its own", async () => {
    const home = folder();
    const root = join(home, "node_modules/@example/tool-linux-x64");
    write(join(root, "package.json"), JSON.stringify({ name: "@example/tool", version: "1.2.3-linux-x64" }));
    expect((await seenOf(write(join(root, "bin/tool"), "1"))).package).toMatchObject({
      value: [{ id: "@example/tool" }],
    });
    write(join(root, "package.json"), JSON.stringify({ name: "@example/tool", version: "1.2.3" }));
    expect((await seenOf(join(root, "bin/tool"))).package).toEqual({ absent: true });
  });

  test.skipIf(lacking("root") !== undefined)("does not believe a manifest that somebody else owns", async () => {
    const { script, root } = npmTool(folder(), "@example/tool");
    execFileSync("chown", ["1234", script]);
    expect((await seenOf(script)).package).toEqual({ value: [tool] }); // root's manifest
    execFileSync("chown", ["1235", join(root, "package.json")]);
    expect((await seenOf(script)).package).toEqual({ absent: true });
    execFileSync("chown", ["1234", join(root, "package.json")]);
    expect((await seenOf(script)).package).toEqual({ value: [tool] });
  });

  test("survives manifests that are FIFOs, devices, loops, folders, huge, hostile or broken", async () => {
    const { script, root } = npmTool(folder(), "@example/tool");
    const manifest = join(root, "package.json");
    const evil: Record<string, () => void> = {
      fifo: () => execFileSync("/usr/bin/mkfifo", [manifest]),
      device: () => symlinkSync("/dev/zero", manifest),
      loop: () => symlinkSync(manifest, manifest),
      folder: () => mkdirSync(manifest),
      huge: () => writeFileSync(manifest, `{"name":"@example/tool","x":"${"y".repeat(1024 * 1024)}"}`),
      number: () => writeFileSync(manifest, "42"),
      deep: () => writeFileSync(manifest, "[".repeat(100_000)),
      "not UTF-8": () =>
        writeFileSync(manifest, Buffer.concat([Buffer.from('{"name":"'), Buffer.of(0xff), Buffer.from('"}')])),
      "a name that is no text": () => writeFileSync(manifest, '{"name":{"toString":"@example/tool"}}'),
      "a prototype": () => writeFileSync(manifest, '{"__proto__":{"name":"@example/tool"}}'),
    };
    for (const [name, make] of Object.entries(evil)) {
      rmSync(manifest, { recursive: true, force: true });
      make();
      expect([name, (await seenOf(script)).package]).toEqual([name, { absent: true }]);
    }
  });

  test("names the editor extension a file lies in", async () => {
    const root = join(folder(), ".vscode/extensions/anthropic.claude-code-2.1.0-linux-x64");
    write(
      join(root, "package.json"),
      JSON.stringify({ publisher: "Anthropic", name: "claude-code", version: "2.1.0" }),
    );
    const seen = await seenOf(write(join(root, "resources/native-binary/claude"), "1"));
    expect(seen.extension).toEqual({ value: [{ host: "vscode", id: "anthropic.claude-code", version: "2.1.0" }] });
    write(join(root, "package.json"), JSON.stringify({ publisher: "somebody", name: "else" }));
    expect((await seenOf(join(root, "resources/native-binary/claude"))).extension).toEqual({ absent: true });
  });

  test("of Python comes from the RECORD of the file's own environment", async () => {
    const home = folder();
    const site = join(home, "venv/lib/python3.11/site-packages");
    const info = join(site, "aider_chat-0.86.1.dist-info");
    write(join(info, "METADATA"), "Metadata-Version: 2.4\nName: aider-chat\nVersion: 0.86.1\n\nName: other\n");
    write(join(info, "RECORD"), "../../../bin/aider,sha256=x,1\naider/__main__.py,,\n");
    const aider = { ecosystem: "pypi", id: "aider-chat", version: "0.86.1" };
    const script = write(join(home, "venv/bin/aider"), "1");
    expect((await seenOf(script)).package).toEqual({ value: [aider] });
    expect((await seenOf(write(join(site, "aider/__main__.py"), "1"))).package).toEqual({ value: [aider] });
    expect((await seenOf(write(join(home, "venv/bin/other"), "1"))).package).toEqual({ absent: true });
    expect((await seenOf(write(join(home, "bin/aider"), "1"))).package).toEqual({ absent: true });
  });

  test("of Debian comes from dpkg's own lists, through the merged /usr too", async () => {
    const seen = await seenOf("/bin/sleep");
    expect(seen.package).toMatchObject({ value: [{ ecosystem: "deb", id: "coreutils", version: expect.any(String) }] });
  });
});

describe("innocent programs", () => {
  const claude = wanting();

  test("that only mention a tool show nothing of it", async () => {
    const home = folder();
    write(join(home, "claude/claude.md"), "claude\n");
    execFileSync("/usr/bin/mkfifo", [join(home, "claude/claude.fifo")]);
    const { script } = npmTool(home, "@example/tool");
    const grep = await start("/usr/bin/tail", ["-f", script, join(home, "claude/claude.md")]);
    const evidence = await evidenceOf(grep.pid, claude);
    expect(evidence.seen.name).toEqual({ value: ["tail"] });
    expect(evidence.seen.package).toMatchObject({ value: [{ ecosystem: "deb", id: "coreutils" }] });
    expect(evidence.seen.marker).toEqual({ absent: true });
    expect(evidence.script).toBeUndefined();
  });

  test("in a folder called like a tool are called by their own name only", async () => {
    const home = folder();
    mkdirSync(join(home, "claude"));
    copyFileSync("/bin/sleep", join(home, "claude/mine"));
    const evidence = await evidenceOf(
      (await start(join(home, "claude/mine"), ["100"], { cwd: join(home, "claude") })).pid,
    );
    expect(evidence.seen.name).toEqual({ value: ["mine"] });
  });
});
