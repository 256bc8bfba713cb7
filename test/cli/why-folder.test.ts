import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseInstant } from "#lib/pure/instant.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { edictAt } from "./edict.ts";
import { saidBy } from "../observe/layout.ts";
import { folder, write } from "../observe/place.ts";

const at = parseInstant("2026-07-11T00:00:00Z");
const commit = "a0".repeat(32);
const storeId = "a".repeat(32);
const microsoft = "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US";
const vscode = '{"name":"tool","publisher":"a","version":"1.0"}';
const receipt = (tap: string): string => JSON.stringify({ homebrew_version: "4.4.20", source: { tap } });
const hive = (...keys: readonly string[]): string =>
  [
    "WINE REGISTRY Version 2",
    ...keys.flatMap((key) => [
      String.raw`[Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\${key}] 1`,
      '"DisplayName"="x"',
    ]),
  ].join("\n");
const plist =
  "<plist><dict><key>CFBundleIdentifier</key><string>a.tool</string><key>CFBundleExecutable</key><string>tool</string></dict></plist>";

/** A folder of each kind, the files in it or beside it that say what it is, and what it is. */
const units: readonly {
  readonly of: string;
  readonly files: Readonly<Record<string, string>>;
  readonly is: readonly string[];
}[] = [
  { of: "node_modules/tool", files: { "package.json": '{"name":"tool"}' }, is: ["npm tool -"] },
  {
    of: "node_modules/x",
    files: {
      "package.json": '{"name":"tool"}',
      "../.package-lock.json": '{"packages":{"node_modules/x": {\n"name": "tool"}}}',
    },
    is: ["npm tool -"],
  },
  {
    of: "site-packages/tool-1.dist-info",
    files: { METADATA: "Name: tool\nVersion: 1\n" },
    is: ["pypi tool 1"],
  },
  { of: "Cellar/tool/1.0", files: { "INSTALL_RECEIPT.json": receipt("homebrew/core") }, is: ["brew tool 1.0"] },
  {
    of: "Caskroom/tool/1.0",
    files: { "../.metadata/INSTALL_RECEIPT.json": receipt("homebrew/cask") },
    is: ["cask tool 1.0"],
  },
  {
    of: `flatpak/app/a.tool/x86_64/stable/${commit}`,
    files: { metadata: "[Application]\nname=a.tool\n" },
    is: ["flatpak a.tool -"],
  },
  {
    of: "install/cache/tool@1.0@@@1",
    files: { "package.json": '{"name":"tool","version":"1.0"}' },
    is: ["npm tool 1.0"],
  },
  { of: "anywhere/a.tool-1.0", files: { "package.json": vscode }, is: ["vscode a.tool 1.0"] },
  { of: "resources/app/extensions/x", files: { "package.json": vscode }, is: ["vscode a.tool 1.0"] },
  {
    of: `Extensions/${storeId}/1.0_0`,
    files: { "manifest.json": '{"manifest_version":3,"version":"1.0"}' },
    is: [`chrome ${storeId} 1.0`],
  },
  {
    of: "WindowsApps/Tool_1.0.0.0_x64__8wekyb3d8bbwe",
    files: {
      "AppxManifest.xml": `<Package><Identity Name="Tool" Publisher="${microsoft}" Version="1.0.0.0"/></Package>`,
    },
    is: ["msix Tool_8wekyb3d8bbwe 1.0.0.0"],
  },
  {
    of: "Applications/Tool.app",
    files: { "Contents/MacOS/tool": "1", "Contents/Info.plist": plist },
    is: ["bundle a.tool -"],
  },
  {
    of: ".wine",
    files: { "system.reg": hive("Tool") },
    is: ["arp Tool -"],
  },
  {
    of: "env/conda-meta",
    files: { "tool-1.0-0.json": '{"name":"tool","version":"1.0","build":"0"}' },
    is: ["conda tool 1.0"],
  },
  {
    of: "profile",
    files: {
      "extensions.json": '{"addons":[{"id":"a@tool","version":"1","type":"extension","location":"app-profile"}]}',
    },
    is: ["firefox a@tool 1"],
  },
];

test.each(units)("why of a folder says what is installed there: $of", async ({ of, files, is }) => {
  const root = join(folder(), of);
  mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) write(join(root, name), content);
  const { out, code } = await edictAt(at, root, "why", root, "--json");
  expect(code).toBe(0);
  const { evidence } = z.object({ evidence: evidenceSchema }).parse(JSON.parse(out));
  expect(saidBy(evidence.seen)).toEqual(is);
});

test("why of a folder that only looks like one of them says nothing of it", async () => {
  const home = folder();
  const derivation = "s66mzxpvicwk07gjbjfw9izjfa797vsw-tool-1.0";
  write(join(home, derivation, "x"), "");
  write(join(home, "tool/tool-1.0-0.json"), '{"name":"tool","version":"1.0","build":"0"}');
  for (const name of [derivation, "tool"]) expect((await edictAt(at, home, "why", join(home, name))).code).toBe(2);
});

test("why of a folder that lists several things judges each by itself: what is approved frees no other", async () => {
  const home = folder();
  const policy = {
    name: "test",
    bans: [
      {
        id: "no-own",
        tool: "own",
        reason: "x",
        owner: "a@example.com",
        stages: [{ from: "2026-07-10T00:00:00Z", mode: "block" }],
      },
    ],
    allow: ["good"],
    tools: ["own", "good"].map((id) => ({ id, name: id, identities: [{ kind: "package", ecosystem: "arp", id }] })),
  };
  const file = write(join(home, "policy.json"), JSON.stringify(policy));
  write(join(home, "p/system.reg"), hive("good", "other"));
  write(join(home, "p/user.reg"), hive("own"));
  const { out } = await edictAt(at, home, "why", join(home, "p"), "--policy", file, "--json");
  const verdicts = z.array(z.object({ known: z.array(z.string()), verdict: z.object({ mode: z.string() }) }));
  expect(verdicts.parse(JSON.parse(out)).map(({ known, verdict }) => [...known, verdict.mode])).toEqual([
    ["good", "allow"],
    ["own", "block"],
  ]);
  const text = await edictAt(at, home, "why", join(home, "p"), "--policy", file);
  expect(text.out).toContain("It is stopped (block)");
});
