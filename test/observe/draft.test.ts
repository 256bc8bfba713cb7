import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeForm, namesIn, ranked, says, wordsOf } from "#observe/draft/candidates.ts";
import { parseDraftManifest } from "#observe/draft/manifest.ts";
import { countPieces, type Cut } from "#observe/draft/pieces.ts";
import { readFrom } from "#observe/reads.ts";

const plain: Cut = { encoding: "utf8", ends: ";", most: 40 };

function pieces(bytes: Buffer, cut: Cut = plain): ReadonlyMap<string, number> {
  return readFrom(
    bytes,
    countPieces({ offset: 0, length: bytes.length }, cut, () => true),
  );
}

function parse(json: unknown) {
  return parseDraftManifest(Buffer.from(JSON.stringify(json)));
}

describe("pieces of a file", () => {
  test("end at what is no text, and where the cut says", () => {
    const found = pieces(Buffer.from("\0first piece;second piece\x01second piece\nshort\n", "latin1"));
    expect([...found]).toEqual([
      ["first piece", 1],
      ["second piece", 2],
    ]);
  });

  test("are whole where they go over the edge of what is read at once", () => {
    const before = Buffer.alloc(256 * 1024 - 5);
    for (const shift of [0, 1, 2, 3, 4, 5, 6]) {
      const narrow = Buffer.concat([before, Buffer.alloc(shift), Buffer.from("over-the-edge\0")]);
      expect([...pieces(narrow).keys()]).toEqual(["over-the-edge"]);
      const wide = Buffer.concat([before, Buffer.alloc(shift), Buffer.from("over-the-edge\0", "utf16le")]);
      expect([...pieces(wide, { ...plain, encoding: "utf16le" }).keys()]).toEqual(["over-the-edge"]);
    }
  });

  test("are no longer than the cut says, however long the text is", () => {
    const found = pieces(Buffer.alloc(1_000_000, "x"));
    expect(Math.max(...[...found.keys()].map((piece) => piece.length))).toBe(40);
  });

  test("come from any bytes, cut anywhere, without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(500), fc.boolean(), (bytes, claimed, wide) => {
        const cut: Cut = { ...plain, encoding: wide ? "utf16le" : "utf8" };
        const work = countPieces({ offset: 0, length: claimed }, cut, () => true);
        for (const [piece] of readFrom(bytes, work)) expect(piece.length).toBeLessThanOrEqual(40);
      }),
    );
  });
});

describe("candidates", () => {
  test("are told from the strings of libraries by the tool's own words", () => {
    expect(wordsOf(["@openai/codex", "codex"])).toEqual(["openai", "codex"]);
    expect(wordsOf(["@augmentcode/auggie"])).toEqual(["augmentcode", "auggie", "augment"]);
    expect(wordsOf(["@example/cli"])).toEqual(["example"]);
  });

  test.each([
    ["com.ampcode.amp", true],
    ["an example", false],
    ["AMP_API_KEY", true],
    ["damp", false],
  ])("a short word counts only where it begins: %s", (text, found) => {
    expect(says(text, ["amp"])).toBe(found);
  });

  test("of native programs are what somebody made up for one product", () => {
    const text = "see https://docs.toolish.ai/start com.toolish.app TOOLISH_HOME toolish.node_modules example.toolish";
    expect(namesIn(text, ["toolish"]).map(([, name]) => name)).toEqual([
      "com.toolish.app",
      "TOOLISH_HOME",
      "https://docs.toolish.ai/start",
    ]);
  });

  test.each([
    ['let e=process.env["TOOLISH_HOME"]', 0],
    ['run("toolish", TOOLISH_MODE)', 1],
    ["function findToolishProgram()", 2],
    ['import { toolish } from "toolish"', undefined],
    ["// toolish (the tool) = ours", undefined],
    ['x = require("toolish")', undefined],
    ["Works with toolish, and others", undefined],
    ["process.env.HOME = 1, x()", undefined],
  ])("of scripts are code, and not sentences about the tool: %s", (statement, form) => {
    expect(codeForm(statement, ["toolish"])).toBe(form);
  });

  test("the best of each form comes before the second of any", () => {
    const all = [
      { text: "a", form: 1, count: 9 },
      { text: "b", form: 1, count: 8 },
      { text: "c", form: 0, count: 1 },
      { text: "d", form: 2, count: 5 },
    ];
    const found = ranked(all, 3);
    expect(found.map(({ text }) => text)).toEqual(["c", "a", "d"]);
  });
});

describe("package.json", () => {
  test("gives commands, and the packages of the same tool for one system each", () => {
    const manifest = parse({
      name: "tool",
      version: "1.2.3",
      bin: { tool: "bin/tool", "../evil": "x" },
      optionalDependencies: {
        "@others/tool-linux-x64": "1.2.3",
        "@alias/tool-darwin-arm64": "npm:@alias/tool@1.2.3-darwin-arm64",
        "tool-win32-x64": "^1.0.0",
        "@img/sharp-linux-x64": "^0.33.5",
        "tool-plugin": "1.2.3",
      },
    });
    expect(manifest).toMatchObject({
      programs: [["tool", "bin/tool"]],
      platforms: ["@others/tool-linux-x64", "@alias/tool-darwin-arm64", "tool-win32-x64"],
    });
  });

  test.each([
    ["no object", "[]"],
    ["no name", "{}"],
    ["a name that npm would not take", '{"name":"../../etc"}'],
    ["a name that turns the writing round", '{"name":"\u202etool"}'],
    ["a prototype for a name", '{"__proto__":{"name":"tool"}}'],
    ["half of it", '{"name":"tool"'],
    ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d])],
  ])("is none where it has %s", (_, bytes) => {
    expect(parseDraftManifest(Buffer.from(bytes))).toBeUndefined();
  });

  test("of a thousand programs the first few are looked at", () => {
    const bin = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`tool-${i}`, `bin/${i}`]));
    expect(parse({ name: "tool", bin })?.programs).toHaveLength(16);
  });
});
