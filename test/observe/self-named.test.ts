import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { contentPass, makePlan } from "#observe/content-pass.ts";
import { rawFromText } from "#observe/raw-path.ts";
import type { Range } from "#observe/reads.ts";
import { compile } from "#policy/compile.ts";
import type { Identity } from "#policy/tool.ts";
import { parsePolicy } from "#policy/parse.ts";
import { AskedGate } from "../gate/asked.ts";
import { device } from "../gate/place.ts";
import { lookThrough, saidBy } from "./layout.ts";
import { evidenceOf, folder, identifier, npmTool, start, wanting, write } from "./place.ts";
import { appImage } from "./readers/app-image.ts";
import { packed } from "./readers/packed.ts";
import { seam } from "./readers/seam.ts";

const module = "github.com/typescript-eslint/tsgolint";
const main = `${module}/cmd/tsgolint`;
const goOnly = new Set(["go"]);
const update = "gh-releases-zsync|getcursor|cursor|latest|Cursor-*x86_64.AppImage.zsync";

/** A real program of Go under another name, in a folder of downloads; undefined where npm cannot fetch it. */
function renamed(home: string): string | undefined {
  const real = packed("@oxlint-tsgolint/linux-x64", "tsgolint");
  if (real !== undefined) copyFileSync(real, write(join(home, "Downloads/innocent"), "", 0o755));
  return real === undefined ? undefined : join(home, "Downloads/innocent");
}

async function read(path: string, ecosystems: ReadonlySet<string>) {
  const raw = rawFromText(path);
  const found = raw === undefined ? { unread: "no path" } : await identifier(wanting({ ecosystems })).file(raw);
  if ("unread" in found) throw new Error(found.unread);
  return found.seen;
}

test("a program of Go is known under every name, in a scan, as a file and as it runs, by its module and by its main package", async (context) => {
  const home = folder();
  const program = renamed(home);
  if (program === undefined) return context.skip("npm cannot fetch it");
  const said = [expect.stringMatching(`^go ${module} v0\\.`), expect.stringMatching(`^go ${main} v0\\.`)];
  expect((await lookThrough([join(home, "Downloads"), "bin", 1])).said).toEqual(said);
  expect(saidBy(await read(program, goOnly))).toEqual(said);
  const child = await start(program, ["headless"], { stdin: "pipe" });
  expect(saidBy((await evidenceOf(child.pid, wanting({ ecosystems: goOnly }))).seen)).toEqual(said);
  expect((await read(program, new Set(["npm"]))).package).toEqual({ absent: true });
});

test("an AppImage is known by the project that it takes its updates from, where it names one", async () => {
  const home = folder();
  write(join(home, "Applications/renamed"), appImage(update), 0o755);
  write(join(home, "Applications/other"), appImage("zsync|https://other.example/x.zsync"), 0o755);
  write(join(home, "Applications/long"), appImage(`gh-releases-zsync|a|${"b".repeat(1008)}|c|d`), 0o755);
  expect((await lookThrough([join(home, "Applications"), "apps", 1])).said).toEqual(["appimage getcursor/cursor -"]);
  expect((await read(join(home, "Applications/renamed"), goOnly)).package).toEqual({ absent: true });
});

test("what a program says of itself is there beside what its folder says", async () => {
  const { script } = npmTool(folder(), "tool");
  write(script, appImage(update), 0o755);
  expect(saidBy(await read(script, new Set(["npm", "appimage"])))).toEqual([
    "npm tool 1.2.3",
    "appimage getcursor/cursor -",
  ]);
});

test("asking for programs of Go costs others nothing, and those one small read", (context) => {
  const real = packed("@oxlint-tsgolint/linux-x64", "tsgolint");
  if (real === undefined) return context.skip("npm cannot fetch it");
  const needles = [{ bytes: "a marker", encoding: "utf8", where: "elf-section", section: ".nowhere" }] as const;
  const asked = (path: string, ecosystems: ReadonlySet<string>): readonly Range[] => {
    const [bytes, ranges]: [Buffer, Range[]] = [readFileSync(path), []];
    seam(
      bytes,
      contentPass(makePlan({ sizes: new Set(), needles, signers: new Set(), ecosystems }), bytes.length),
      ranges,
    );
    return ranges;
  };
  const other = process.execPath;
  expect(asked(other, goOnly)).toEqual(asked(other, new Set()));
  const before = asked(real, new Set());
  const more = asked(real, goOnly).filter((range) => !before.some((one) => one.offset === range.offset));
  expect(more.map(({ length }) => length < 4096)).toEqual([true]);
});

const tool = (id: string, identity: Partial<Identity>) => ({
  id,
  name: id,
  identities: [{ kind: "package", ...identity }],
});

/** A gate that bans what names this module, and approves one package of npm's. */
function gateThatBans() {
  const policy = {
    name: "test",
    bans: [
      {
        id: "no-tool",
        tool: "bad",
        reason: "x",
        owner: "a@example.com",
        stages: [{ from: "2026-01-01T00:00:00Z", mode: "block" }],
      },
    ],
    allow: ["good"],
    tools: [tool("bad", { ecosystem: "go", id: module }), tool("good", { ecosystem: "npm", id: "good" })],
  };
  const matcher = compile(parsePolicy(Buffer.from(JSON.stringify(policy))), { formatVersion: 1, tools: [] });
  return new AskedGate({ matcher, device, clock: systemClock, identifier: identifier(matcher.wanted) });
}

test("the gate denies it wherever it lies, but not in a package that is approved", async (context) => {
  const home = folder();
  const program = renamed(home);
  if (program === undefined) return context.skip("npm cannot fetch it");
  const gate = gateThatBans();
  expect((await gate.answer(program)).answer).toBe("deny");
  const [approved, other] = [npmTool(home, "good").script, npmTool(home, "other").script];
  for (const script of [approved, other]) copyFileSync(program, script);
  expect((await gate.answer(approved)).answer).toBe("allow");
  expect((await gate.answer(other)).answer).toBe("deny");
});
