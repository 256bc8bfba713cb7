import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { parseInstant } from "#lib/pure/instant.ts";
import { policyIn } from "./banned-tool.ts";
import { edictAt } from "./edict.ts";
import { lacking } from "../needs.ts";
import { folder, nativeTool, npmTool, start, write } from "../observe/place.ts";

const at = parseInstant("2026-07-11T00:00:00Z");
const kinds = ["package", "extension", "signer", "hash", "marker", "path", "name", "config"];

test("why prints every kind that was read of a file or process, what the catalog knows, and the verdict", async () => {
  const home = folder();
  const { script } = npmTool(home, "@example/tool");
  const policy = policyIn(home);
  const file = await edictAt(at, home, "why", script, "--policy", policy);
  expect(file.code).toBe(0);
  for (const words of [
    "@example/tool",
    "hash: not read (no identity has this size)",
    "It is stopped (block)",
    "no-tool",
    "security@example.com",
  ])
    expect(file.out).toContain(words);
  const child = await start(process.execPath, [script]);
  const running = await edictAt(at, home, "why", String(child.pid), "--policy", policy);
  expect(running.out).toContain(`process ${child.pid} of`);
  expect(running.out).toMatch(
    /Banned Tool, identity by identity:\n {2}there: the npm package @example\/tool \(proof\)\n/,
  );
  const named = await edictAt(at, home, "why", "npm:@anthropic-ai/claude-code");
  expect(named.out).toContain("there: the npm package @anthropic-ai/claude-code (proof)");
  const ban = await edictAt(at, home, "why", "no-tool", "--policy", policy);
  expect(ban.out).toContain('The ban no-tool of the policy "test": ');
  expect(ban.out).toContain("block");
});

test("why says what it expected where there is nothing to explain", async () => {
  const { code, err } = await edictAt(at, folder(), "why", "./nowhere");
  expect(code).toBe(2);
  expect(err).toContain(
    "expected a process id, a path, a package (npm:@scope/name), a tool's name, or a ban of the policy",
  );
  const pid = 4_000_000; // above pid_max's default on 64 bits, 2^22
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect((await edictAt(at, folder(), "why", String(pid))).err).toContain(`process ${pid}: there is none`);
});

test("why judges nothing where no policy was given, and says what the catalog knows", async () => {
  const home = folder();
  const { script } = npmTool(home, "cline");
  const { code, out } = await edictAt(at, home, "why", script);
  expect(code).toBe(0);
  expect(out).not.toContain("It may run");
  expect(out).toMatch(/^It was held against \d+ identities of \d+ tools: it is Cline \(proof\)\.$/m);
  expect(out).toMatch(/\nNo policy was given: nothing was judged \(--policy FILE\)\.\n$/);
  const json = await edictAt(at, home, "why", script, "--json");
  expect(JSON.parse(json.out)).toMatchObject({ verdict: null, known: ["cline"] });
});

test("where an agent runs, why of a file says what the policy in force bans of it", async () => {
  const home = folder();
  const ban = { id: "no-cline", group: null, tool: "cline", mode: "block", since: "2026-07-10T00:00:00Z", next: null };
  const bans = [{ ...ban, reason: "It is a test.", replacement: null }];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (question) => {
      const inForce = { name: "ours", version: 3, bans, conflicts: [] };
      const asked = question.toString().includes('"policy"');
      socket.end(
        `${JSON.stringify(asked ? { ok: true, result: inForce } : { ok: false, code: "unknown", message: "?" })}\n`,
      );
    });
  });
  server.listen(join(home, "agent.sock"));
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const cline = await edictAt(at, home, "why", npmTool(home, "cline").script);
  expect(cline.out).toContain(
    'The policy in force here, "ours", bans\n  Cline: the ban no-cline, block since 2026-07-10T00:00:00Z; It is a test.\n',
  );
  expect((await edictAt(at, home, "why", "Cline")).out).toContain("  Cline: the ban no-cline, block");
  const free = await edictAt(at, home, "why", write(join(home, "free"), "#!/bin/sh\n", 0o755));
  expect(free.out).toMatch(/\nThe policy in force here, "ours", bans none of it\.\n$/);
});

test.for([
  ["@scope/tool", "A package: npm @scope/tool"],
  ["npm:tool@1.2.3", "A package: npm tool 1.2.3"],
  ["pypi:tool", "A package: pypi tool"],
  ["pkg:npm/%40scope/tool@1.2.3", "A package: npm @scope/tool 1.2.3"],
  ["pkg:deb/debian/tool", "A package: deb tool"],
  ["pkg:golang/example.org/a/tool", "A package: go example.org/a/tool"],
  ["pkg:vscode-extension/a/tool@1", "An extension: vscode a.tool 1"],
])("why %s: nothing was looked at but the name", async ([what = "", says]) => {
  const { code, out } = await edictAt(at, folder(), "why", what);
  expect([code, out.split("\n")[0]]).toEqual([0, says]);
  expect(out).toContain("  hash: not read (only a name was given)\n");
});

test("why of what is no program says what it is instead", async () => {
  const home = folder();
  mkdirSync(join(home, "node_modules/cline"), { recursive: true });
  write(join(home, "node_modules/tool/package.json"), "{");
  execFileSync("mkfifo", [join(home, "pipe")]);
  symlinkSync("loop", join(home, "loop"));
  for (const [what, said] of [
    ["", "why: nothing was named"],
    ["node_modules", "node_modules: a folder, and not one of a package"],
    ["node_modules/cline", "node_modules/cline: a folder, and not one of a package"],
    ["node_modules/tool", "node_modules/tool: its package.json: it is not a manifest, or names nothing"],
    ["pipe", "pipe: a pipe, a socket or a device, and no program"],
    ["loop", "loop: a link that leads to itself"],
    ["pkg:nonsense/x", "pkg:nonsense/x: there is no such file; expected a process id"],
    ["-", "-: there is no such file; expected"],
  ] as const)
    expect(await edictAt(at, home, "why", what)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining(`edict: ${said}`) as string,
    });
});

test.skipIf(lacking("root") !== undefined)("why of what this user may not read is not permitted: 3", async () => {
  const home = folder();
  chmodSync(home, 0o755);
  mkdirSync(join(home, "closed"), 0o700);
  const program = write(join(home, "program"), "#!/bin/sh\n", 0o711);
  for (const what of [program, join(home, "closed"), join(home, "closed/x"), String(process.pid)]) {
    const line = [process.execPath, resolve("src/cli/main.ts"), "why", what];
    const { status, stderr } = spawnSync("/usr/bin/setpriv", ["--reuid=65534", "--clear-groups", ...line], {
      encoding: "utf8",
    });
    expect([what, status, stderr]).toEqual([
      what,
      3,
      expect.stringMatching(/not permitted|may not be read by this user/),
    ]);
  }
});

test("why names each identity of the tool it could be: there, absent, or not read and why", async () => {
  const home = folder();
  const policy = policyIn(home);
  const program = nativeTool(join(home, "renamed"));
  const { out } = await edictAt(at, home, "why", program, "--policy", policy);
  for (const kind of kinds) expect(out).toMatch(new RegExp(`^  ${kind}: \\S`, "m"));
  expect(out.slice(out.indexOf("Banned Tool, identity by identity"))).toBe(
    [
      "Banned Tool, identity by identity:",
      "  absent: the npm package @example/tool (proof)",
      '  there: the text "com.example.banned-tool" inside the file (proof)',
      '  absent: the name "claude" (hint)',
      "",
    ].join("\n"),
  );
  const json = await edictAt(at, home, "why", "npm:@example/tool@1.2.3", "--policy", policy, "--json");
  expect(JSON.parse(json.out)).toMatchObject({
    evidence: { seen: { package: { value: [{ ecosystem: "npm", id: "@example/tool", version: "1.2.3" }] } } },
    verdict: { mode: "block" },
    known: ["banned-tool"],
    checked: [
      { kind: "package", grade: "proof", is: "value" },
      { kind: "marker", grade: "proof", is: "unread" },
      { kind: "name", grade: "hint", is: "unread" },
    ],
  });
});

test("why of an innocent program says against how much it was held, and names all of it where that is asked for", async () => {
  const home = folder();
  const program = write(join(home, "claude-notes"), "#!/bin/sh\n", 0o755);
  const short = await edictAt(at, home, "why", program);
  expect(short.out).toMatch(/^It was held against \d+ identities of \d+ tools: none of them is there\.$/m);
  expect(short.out).not.toContain("identity by identity");
  const { out } = await edictAt(at, home, "why", program, "--all", "--json");
  const answer = z.object({ known: z.array(z.string()), checked: z.array(z.object({ is: z.string() })) });
  const { known, checked } = answer.parse(JSON.parse(out));
  expect(known).toEqual([]);
  expect(checked.length).toBeGreaterThan(100);
  expect(checked.every(({ is }) => is !== "value")).toBe(true);
});

test("why of a bare name says which tools it would be, by what, and who bans them", async () => {
  const home = folder();
  const policy = policyIn(home);
  for (const name of ["Banned Tool", "banned-tool", "@example/tool".toUpperCase()])
    expect((await edictAt(at, home, "why", name, "--policy", policy)).out).toContain("anned");
  const { code, out } = await edictAt(at, home, "why", "claude", "--policy", policy);
  expect(code).toBe(0);
  expect(out).toContain('  Banned Tool (banned-tool): the name "claude"');
  expect(out).toContain("    banned by no-tool: block from 2026-07-10T00:00:00Z");
  expect(out).toContain("  Claude Code (claude-code, Anthropic PBC): ");
  expect((await edictAt(at, home, "why", "codex")).out).toContain("Codex");
});
