import { expect, test } from "vitest";
import { draftTool, idOf, type Sighting } from "#policy/draft.ts";
import { parseTool } from "#policy/parse.ts";

const marker = {
  bytes: "com.example.tool",
  encoding: "utf8",
  where: "elf-section",
  section: ".bun",
  count: 6,
} as const;
const hash = { sha256: "a".repeat(64), size: 12 };
const seen: Sighting = {
  name: "tool",
  homepage: "https://tool.example",
  packages: [{ ecosystem: "npm", id: "@example/tool", version: "1.2.3" }],
  beside: { ids: ["@example/tool-linux-x64"], release: "@example/tool@1.2.3" },
  commands: ["tool"],
  programs: [
    { program: "bin/tool", release: "@example/tool-linux-x64@1.2.3", hash, markers: [marker] },
    { program: "bin/tool-baseline", release: "@example/tool-linux-x64-baseline@1.2.3", markers: [marker] },
  ],
  configs: ["~/.tool"],
};

test("a draft is a tool's file, with the release that each identity was read from", () => {
  const draft = draftTool(seen);
  expect(parseTool(Buffer.from(JSON.stringify(draft)))).toMatchObject({ id: "tool", homepage: "https://tool.example" });
  expect(draft["identities"]).toEqual([
    { kind: "package", ecosystem: "npm", id: "@example/tool", source: "@example/tool@1.2.3" },
    { kind: "package", ecosystem: "npm", id: "@example/tool-linux-x64", source: "@example/tool@1.2.3" },
    {
      kind: "marker",
      bytes: "com.example.tool",
      where: "elf-section",
      section: ".bun",
      os: ["linux"],
      source: "@example/tool-linux-x64@1.2.3 (bin/tool: 6 in .bun)",
    },
    { kind: "hash", ...hash, source: "@example/tool-linux-x64@1.2.3 (bin/tool)", note: "this release only" },
    { kind: "name", name: "tool", source: "@example/tool@1.2.3" },
    { kind: "config", path: "~/.tool", source: "@example/tool@1.2.3" },
  ]);
});

test("what no package owns has no source: that is for a person to say", () => {
  const { identities } = parseTool(
    Buffer.from(
      JSON.stringify(
        draftTool({
          ...seen,
          packages: [],
          programs: [{ program: "tool", release: undefined, hash, markers: [marker] }],
        }),
      ),
    ),
  );
  expect(identities.filter(({ kind }) => kind === "marker" || kind === "hash").map(({ source }) => source)).toEqual([
    undefined,
    undefined,
  ]);
});

test.each([
  ["Example Tool", "example-tool"],
  ["@@..tool", "tool"],
  ["\u202e", "new-tool"],
  ["x".repeat(500), "x".repeat(128)],
])("%j becomes an id", (name, id) => {
  expect(idOf(name)).toBe(id);
  expect(parseTool(Buffer.from(JSON.stringify({ id, name: "x", identities: [] }))).id).toBe(id);
});
