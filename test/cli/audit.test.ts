import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { instantOf, parseInstant } from "#lib/pure/instant.ts";
import { policyIn } from "./banned-tool.ts";
import { edictAt } from "./edict.ts";
import { inTerminal } from "./run.ts";
import { lacking } from "../needs.ts";
import { folder, nativeTool, npmTool, write } from "../observe/place.ts";

const at = parseInstant("2026-07-11T00:00:00Z");
const result = z.object({
  policy: z.string().nullable(),
  findings: z.array(
    z.object({
      tool: z.string(),
      version: z.string().nullable(),
      where: z.string(),
      container: z.string().nullable(),
      also: z.array(z.string()),
      owner: z.string(),
      grade: z.enum(["proof", "hint"]),
      known: z.array(z.object({ kind: z.string(), grade: z.string(), text: z.string() })),
      ban: z.object({ id: z.string(), mode: z.string(), instead: z.string().nullable() }).nullable(),
    }),
  ),
  never: z.array(z.string()).min(1),
  containers: z.array(z.string()),
  unreadable: z.object({ count: z.number(), named: z.array(z.object({ path: z.string(), why: z.string() })) }),
});

async function audit(home: string, ...argv: readonly string[]) {
  const { code, out, err } = await edictAt(at, home, "audit", ...argv, "--json");
  return { code, err, ...result.parse(JSON.parse(out)) };
}

test("an audit names every tool with version, place, owner and how it is known, one row a package", async () => {
  const home = folder();
  const { script } = npmTool(home, "@anthropic-ai/claude-code", "2.1.197");
  npmTool(home, "@anthropic-ai/claude-code-linux-x64", "2.1.197");
  mkdirSync(join(home, "bin"));
  symlinkSync(script, join(home, "bin/claude"));
  const { code, findings, policy } = await audit(home, home);
  expect(code).toBe(0);
  expect(policy).toBeNull();
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ tool: "claude-code", version: "2.1.197", grade: "proof", ban: null });
  expect(findings[0]?.known[0]).toEqual({
    kind: "package",
    grade: "proof",
    text: "the npm package @anthropic-ai/claude-code",
  });
  expect(findings[0]?.also).toHaveLength(2);
  const text = await edictAt(at, home, "audit", home);
  expect(text.out).toMatch(
    /^TOOL +VERSION +KNOWN BY +INSTALLED BY\nClaude Code +2\.1\.197 +proof +\S+\n {2}\/\S+ \(\+2\)\n {2}the npm package @anthropic-ai\/claude-code; \d+ more identities\n/,
  );
  expect(text.out).toContain("Never looked at:");
});

test("what containers and images hold is named and not entered, and marked where somebody asks for it", async () => {
  const home = folder();
  const images = join(home, "data/docker/overlay2");
  npmTool(join(images, "layer/merged/usr"), "@anthropic-ai/claude-code", "2.1.197");
  const outside = await audit(home, home);
  expect(outside.findings).toEqual([]);
  expect(outside.containers).toEqual([images]);
  const inside = await audit(home, images);
  expect(inside.findings).toMatchObject([{ tool: "claude-code", container: "docker" }]);
  expect(inside.containers).toEqual([]);
  const text = await edictAt(at, home, "audit", home);
  expect(text.out).toContain(`Not entered, for it is of containers and images`);
  expect(text.out).toContain(`  ${images}\n`);
  expect((await edictAt(at, home, "audit", images)).out).toContain("(in a container or an image of docker)");
  const page = await edictAt(at, home, "audit", home, "--format", "html");
  expect(page.out).toContain(`<li><code>${images}</code></li>`);
  expect((await edictAt(at, home, "audit", images, "--format", "html")).out).toContain("an image of docker");
});

test("a proven finding whose ban is in force ends with 10 in any mode, and says what to use instead", async () => {
  const home = folder();
  npmTool(home, "@example/tool");
  nativeTool(join(home, "copies/renamed"));
  for (const mode of ["observe", "block"]) {
    const { code, findings } = await audit(home, home, "--policy", policyIn(home, mode));
    expect(code).toBe(10);
    expect(findings.map((f) => [f.tool, f.ban?.mode, f.ban?.instead])).toEqual([
      ["banned-tool", mode, "qodercli"],
      ["banned-tool", mode, "qodercli"],
    ]);
  }
  const { out } = await edictAt(at, home, "audit", home, "--policy", policyIn(home));
  expect(out).toMatch(/^TOOL.+BANNED SINCE +INSTEAD\nBanned Tool.+2026-07-10 +Qoder CLI\n/);
  expect(out.split("\n").filter((line) => line.startsWith("!"))).toEqual([
    "! Banned Tool: banned since 2026-07-10T00:00:00Z (no-tool: block); use Qoder CLI instead, https://qoder.example/download",
  ]);
});

test("before the first stage, and where only hints speak, an audit ends with 0", async () => {
  const home = folder();
  npmTool(home, "@example/tool");
  const early = await edictAt(instantOf(at - 7 * 86_400_000), home, "audit", home, "--policy", policyIn(home));
  expect(early.code).toBe(0);
  const other = folder();
  write(join(other, "bin/claude"), "#!/bin/sh\n", 0o755);
  const { code, findings } = await audit(other, other, "--policy", policyIn(other));
  expect(code).toBe(0);
  expect(findings.find((f) => f.tool === "banned-tool")).toMatchObject({ grade: "hint", ban: { mode: "observe" } });
});

test("folders, texts and people called like a tool are no findings", async () => {
  const home = folder();
  write(join(home, "claude/claude.md"), "claude com.anthropic.claude-code\n");
  write(join(home, "claude/notes.sh"), "#!/bin/sh\ngrep -r claude . # com.anthropic.claude-code\n", 0o755);
  write(join(home, "home/claude/.bashrc"), "alias c=claude\n");
  write(join(home, "claude/package.json"), '{"name":"@anthropic-ai/claude-code","version":"1.0.0"}');
  expect((await audit(home, home)).findings).toEqual([]);
});

test("what could not be read is counted and named: manifests of tools, and programs", async () => {
  const home = folder();
  const manifest = (id: string): string => join(home, "node_modules", id, "package.json");
  write(manifest("cline"), '{"name":"cline"');
  write(manifest("opencode-ai"), `{"name":"opencode-ai","more":"${"x".repeat(1024 * 1024)}"}`);
  mkdirSync(dirname(manifest("@openai/codex")), { recursive: true });
  execFileSync("mkfifo", [manifest("@openai/codex")]);
  mkdirSync(join(home, "node_modules/@google/gemini-cli"), { recursive: true }); // nothing in it: no tool either
  write(manifest("not-in-the-catalog"), "{");
  const large = write(join(home, "bin/large"), "", 0o755);
  truncateSync(large, 2 ** 31 + 1);
  const { unreadable, findings } = await audit(home, home);
  expect(findings).toEqual([]);
  expect(unreadable).toEqual({
    count: 4,
    named: [
      { path: large, why: expect.stringContaining("larger than") as string },
      { path: manifest("@openai/codex"), why: "not a regular file" },
      { path: manifest("cline"), why: "it is not a manifest, or names nothing" },
      { path: manifest("opencode-ai"), why: expect.stringContaining("longer than") as string },
    ],
  });
});

test("a folder that is not there is no clean bill", async () => {
  const home = folder();
  const file = write(join(home, "notes"), "");
  for (const [root, said] of [
    [join(home, "nowhere"), "nowhere: there is no such folder"],
    [join(file, "below"), "notes/below: there is no such folder"],
    [file, "notes is no folder; edict why says what a file is"],
  ] as const) {
    const { code, out, err } = await edictAt(at, home, "audit", home, root);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(said)]);
  }
});

test("two places whose names are not UTF-8 stay two", async () => {
  const home = folder();
  for (const byte of [0xfe, 0xff]) {
    const tool = Buffer.concat([Buffer.from(`${home}/ü`), Buffer.of(byte), Buffer.from("/node_modules/cline")]);
    mkdirSync(tool, { recursive: true });
    writeFileSync(Buffer.concat([tool, Buffer.from("/package.json")]), `{"name":"cline","version":"1.${byte}"}`);
  }
  const { findings } = await audit(home, home);
  expect(findings.map(({ where, version }) => [where, version])).toEqual([
    [`${home}/\\xc3\\xbc\\xfe/node_modules/cline`, "1.254"],
    [`${home}/\\xc3\\xbc\\xff/node_modules/cline`, "1.255"],
  ]);
});

test("what a file is called cannot steer the terminal of whoever audits", async () => {
  const home = folder();
  const evilName = "a\u001b[2Jb\nc\u202e\u009b\u{e0041}";
  nativeTool(join(home, "bin", evilName));
  const json = await edictAt(at, home, "audit", home, "--policy", policyIn(home), "--json");
  expect(json.out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(result.parse(JSON.parse(json.out)).findings.map(({ where }) => where)).toEqual([join(home, "bin", evilName)]);
  const { out } = await edictAt(at, home, "audit", home, "--policy", policyIn(home));
  expect(out).toContain("Banned Tool");
  for (const evil of ["\u001b", "\u202e"]) expect(out).not.toContain(evil);
});

test("an audit opens no network connection and writes nothing", () => {
  const home = folder();
  npmTool(home, "@anthropic-ai/claude-code");
  const flags = ["--permission", "--allow-fs-read=*", "--allow-addons", "--allow-worker", "--no-warnings"];
  const output = execFileSync(process.execPath, [...flags, resolve("src/cli/main.ts"), "audit", home], {
    encoding: "utf8",
  });
  expect(output).toContain("Claude Code");
});

test("a ban of a tool that nobody knows is said to ban nothing", async () => {
  const home = folder();
  const text = readFileSync(policyIn(home), "utf8").replace('"tool":"banned-tool"', '"tool":"baned-tool"');
  const { code, err } = await edictAt(at, home, "audit", home, "--policy", write(join(home, "typo.json"), text));
  expect([code, err]).toEqual([
    0,
    expect.stringContaining(
      "typo.json: the ban no-tool bans nothing: there is no tool baned-tool in the catalog or under tools\n",
    ),
  ]);
});

test("one format is asked for, not two", async () => {
  const { code, out, err } = await edictAt(at, folder(), "audit", "--json", "--format", "html");
  expect([code, out, err]).toEqual([2, "", "edict: --json and --format html: one of the two\n"]);
});

test("formats that there are not and broken policies are refused with a reason", async () => {
  const home = folder();
  for (const name of ["spdx", "constructor"]) {
    const format = await edictAt(at, home, "audit", home, "--format", name);
    expect([format.code, format.err]).toEqual([2, expect.stringContaining("there are text, json, cyclonedx, html")]);
  }
  mkdirSync(join(home, "none"));
  for (const [option, file, said] of [
    ["--policy", "nowhere.json", "nowhere.json: there is no such file"],
    ["--policy", "none", "none: a folder, and no file"],
    ["--catalog", "none", "the catalog has no tool: no .json file lies in its folder"],
  ] as const) {
    const { code, out, err } = await edictAt(at, home, "audit", home, option, file);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(said)]);
  }
  const policy = write(join(home, "broken.json"), '{"name": "x",\n "bans": 7}');
  const broken = await edictAt(at, home, "audit", home, "--policy", policy);
  expect([broken.code, broken.err]).toEqual([2, expect.stringMatching(/broken\.json: bans/)]);
});

test("without folders, an audit looks through every person's own and all that is shared", async () => {
  const { code, findings } = await audit(folder());
  expect(code).toBe(0);
  expect(Array.isArray(findings)).toBe(true);
});

/** A terminal for standard output and standard error; what came out of both, or of standard error alone in a file. */
async function audited(
  home: string,
  redirection: string,
  term = "xterm",
): Promise<{ readonly out: string; readonly display: string }> {
  const display = join(home, "display");
  const { out } = await inTerminal(
    `stty cols 100 rows 30; TERM=${term} '${process.execPath}' '${resolve("src/cli/main.ts")}' audit '${home}/tools' ${redirection.replace("FILE", display)}`,
  );
  return { out, display: existsSync(display) ? readFileSync(display, "utf8") : "" };
}

test("a terminal shows how far an audit is, and nothing of it is left or piped", async () => {
  const home = folder();
  npmTool(join(home, "tools"), "@anthropic-ai/claude-code");
  for (let i = 0; i < 1000; i += 1) write(join(home, `tools/bin/script-${i}`), "#!/bin/sh\n", 0o755); // some work to show
  const shown = await audited(home, "");
  expect(shown.out).toContain("Looking for tools");
  expect(shown.out).toContain("Claude Code");
  for (const redirection of ["2>FILE", "--json", "| cat"]) {
    const { out, display } = await audited(home, redirection);
    expect([redirection, out.includes("Looking for tools"), display]).toEqual([redirection, false, ""]);
    expect(out).toContain("laude");
  }
  expect((await audited(home, "", "dumb")).out).not.toContain("\u001b");
});

test.skipIf(lacking("strace") !== undefined)("an audit makes no socket that could reach a network", async () => {
  const home = folder();
  npmTool(home, "@anthropic-ai/claude-code");
  const trace = join(home, "trace");
  const traced = (...argv: readonly string[]): string => {
    execFileSync("/usr/bin/strace", ["-f", "-e", "trace=%network", "-o", trace, process.execPath, ...argv]);
    return readFileSync(trace, "utf8");
  };
  // Names are asked for over AF_UNIX, and AF_NETLINK ends in the kernel.
  const reaches = /(?:socket\(|sa_family=)AF_(?!UNIX|LOCAL|NETLINK)\w+/;
  for (const format of ["text", "html"])
    expect(traced(resolve("src/cli/main.ts"), "audit", home, "--format", format)).not.toMatch(reaches);
  expect(traced("-e", "require('net').connect(9, '127.0.0.1').on('error', () => 0)")).toMatch(reaches);
});
