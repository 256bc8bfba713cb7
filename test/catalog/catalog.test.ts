import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCatalog, parseTool } from "#policy/parse.ts";
import { needleKey } from "#policy/identity-index.ts";
import { gradeOf, type Tool } from "#policy/tool.ts";
import {
  identitiesOf,
  keysOfNoApplication,
  markersOf,
  ownedTwice,
  saidTwice,
  sourcesOfNothing,
  standingIn,
  withoutReason,
  withoutSource,
} from "./laws.ts";
import { searchedSchema } from "./searched.ts";

const files = globSync("policies/catalog/*.json").toSorted();
const tools: readonly Tool[] = files.map((file) => parseTool(readFileSync(file)));
const identities = identitiesOf(tools);
const markers = markersOf(tools);

/** A tool that somebody could have written. */
function toolWith(identity: object, id = "made-up"): Tool {
  return parseTool(Buffer.from(JSON.stringify({ id, name: "Made up", identities: [identity] })));
}

test("every tool's file is called after its id, and all make one catalog", () => {
  expect(files.map((file) => basename(file, ".json"))).toEqual(tools.map((tool) => tool.id));
  const texts = files.map((file) => readFileSync(file, "utf8"));
  expect(parseCatalog(Buffer.from(`{"tools":[${texts.join(",")}]}`)).tools).toHaveLength(tools.length);
  expect(tools.length).toBeGreaterThanOrEqual(60);
});

describe("sources", () => {
  test("what proves a tool says where that is known from", () => {
    expect(withoutSource(tools)).toEqual([]);
    expect(withoutSource([toolWith({ kind: "package", ecosystem: "npm", id: "made-up" })])).toHaveLength(1);
  });

  test("a hint says where it is from, or why it is no more", () => {
    expect(withoutReason(tools)).toEqual([]);
    expect(withoutReason([toolWith({ kind: "name", name: "made-up" })])).toHaveLength(1);
  });

  test("a source is a release, a public address or a file of a public repository", () => {
    const settings = tools.flatMap((tool) => tool.managedSettings.map(({ source }) => source));
    expect(sourcesOfNothing([...identities.map(({ identity }) => identity.source), ...settings])).toEqual([]);
    const nothing = [
      "general knowledge",
      "index id 71340511496",
      "https://example.com; (mem)",
      "made-up",
      "a list (mem)",
    ];
    expect(sourcesOfNothing(nothing)).toHaveLength(nothing.length);
  });
});

describe("identities", () => {
  test("no proof belongs to two tools", () => {
    expect(ownedTwice(tools)).toEqual([]);
    const one = { kind: "package", ecosystem: "winget", id: "Made.Up" };
    expect(ownedTwice([toolWith(one), toolWith({ ...one, id: "made.up" }, "another")])).toHaveLength(1);
  });

  test("no tool says the same thing twice", () => {
    expect(saidTwice(tools)).toEqual([]);
  });

  test("an uninstall key that electron-builder makes of an application's identifier is that of an application of the tool", () => {
    expect(keysOfNoApplication(tools)).toEqual([]);
    const arp = { kind: "package", ecosystem: "arp", id: "c6dbe996-22a9-5998-b542-7abe33da3b83" };
    expect(keysOfNoApplication([toolWith(arp)])).toEqual([arp.id]);
  });

  test.each([
    ["name", { name: "made-up" }],
    ["config", { path: "~/.made-up" }],
    ["path", { glob: "/opt/made-up/**" }],
  ])("a %s proves nothing, and nobody can write that it does", (kind, fields) => {
    expect(identities.filter(({ identity }) => identity.kind === kind && gradeOf(identity) === "proof")).toEqual([]);
    expect(() => toolWith({ kind, ...fields, grade: "proof" })).toThrow(/grade/);
  });

  test("a publisher alone proves nothing, and a team that signs many products is no hint by itself", () => {
    const publishers = identities.filter(
      ({ identity }) =>
        identity.kind === "signer" && identity.signingId === undefined && identity.product === undefined,
    );
    expect(publishers.filter(({ identity }) => gradeOf(identity) === "proof")).toEqual([]);
    const many = ["Google LLC", "Amazon.com, Inc.", "GitHub, Inc.", "OpenAI OpCo, LLC", "Anthropic, PBC", "EQHXZ8M8AV"];
    expect(
      publishers.filter(
        ({ identity }) => identity.kind === "signer" && many.includes(identity.subject ?? identity.teamId ?? ""),
      ),
    ).toEqual([]);
  });

  test("a name that a program of Debian or of everybody has is no hint", () => {
    const taken = ["q", "qterm", "grok", "pi", "cbc", "warp", "comet", "forge", "atlas", "gpt", "sage", "tor", "zed"];
    const everybodys = ["code", "firefox", "node", "python3", "agent", "language_server", "electron", "MainThread"];
    const found = identities.filter(
      ({ identity }) => identity.kind === "name" && [...taken, ...everybodys].includes(identity.name),
    );
    expect(found).toEqual([]);
  });
});

test("equivalents lead to tools of the catalog that no equivalent leads away from", () => {
  const ids = new Set(tools.map((tool) => tool.id));
  for (const tool of tools)
    for (const equivalent of tool.equivalents) {
      expect(ids).toContain(equivalent.tool);
      expect(tools.find((t) => t.id === equivalent.tool)?.equivalents).toEqual([]);
    }
});

test("every agent that is typed on a command line has something to type instead", () => {
  const typed = tools.filter((tool) => tool.category === "ai-coding-agent-cli" && tool.id !== "qodercli");
  expect(typed.filter((tool) => tool.equivalents.length === 0).map((tool) => tool.id)).toEqual([]);
});

describe("managed settings", () => {
  test("say one place once, with the form that it has there", () => {
    for (const { id, managedSettings } of tools) {
      const places = managedSettings.map(({ os, path }) => `${os} ${path}`);
      expect([id, new Set(places).size]).toEqual([id, places.length]);
    }
    expect(tools.filter((tool) => tool.managedSettings.length > 0).length).toBeGreaterThanOrEqual(10);
  });

  test.each([
    [{ os: "linux", path: "etc/made-up.json", format: "json" }, "no place"],
    [{ os: "windows", path: "HKLM\\SOFTWARE\\Made Up", format: "json" }, "a registry key that is no registry"],
    [{ os: "linux", path: "HKLM\\SOFTWARE\\Made Up", format: "registry" }, "a registry where there is none"],
    [{ os: "linux", path: "/etc/*/made-up.json", format: "json" }, "many places"],
  ])("%o is refused: %s", (settings) => {
    const tool = { id: "made-up", name: "Made up", identities: [], managedSettings: [{ ...settings, source: "x@1" }] };
    expect(() => parseTool(Buffer.from(JSON.stringify(tool)))).toThrow(/managedSettings/);
  });
});

describe("markers", () => {
  const runtimes = [process.execPath, ...globSync(["/usr/bin/node", "/usr/bin/python3", "/bin/bash", "/usr/bin/perl"])];

  test.each(runtimes)("none stands in %s, which innocent programs are made of", (runtime) => {
    expect(standingIn(readFileSync(runtime), markers)).toEqual([]);
  });

  test("what stands there is found", () => {
    const planted = markersOf([toolWith({ kind: "marker", bytes: "process.binding('natives')" })]);
    expect(standingIn(Buffer.from("x = process.binding('natives');"), planted)).toHaveLength(1);
  });

  test("that stand anywhere are longer than a word, so that a text which names the tool is not the tool", () => {
    const words = markers.filter(
      ({ identity }) => identity.where === "anywhere" && !/[^\w.@/-].*[^\w.@/-]/.test(identity.bytes),
    );
    expect(words).toEqual([]);
  });

  test("of the tool that Qoder CLI and Qwen Code were forked from yield to the forks' own strings", () => {
    const gemini = markers.find(({ tool }) => tool === "gemini-cli");
    const absent = gemini?.identity.absent?.map((needle) => needle.bytes) ?? [];
    expect(absent).toEqual(expect.arrayContaining(["QODER_CLI", "@qoder-ai/qodercli", "QWEN_CODE_"]));
  });
});

describe("real programs that were searched (run `npx node test/catalog/search.ts` after a new marker)", () => {
  const searched = searchedSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, "searched.json"), "utf8")));
  const bun = searched.filter(({ release }) => release.startsWith("@oven/bun-"));

  test("stock bun has none of the catalog's markers", () => {
    expect(bun).not.toEqual([]);
    const keys = markers.map(({ identity }) => needleKey(identity));
    for (const { free } of bun) expect(free).toEqual(expect.arrayContaining(keys));
  });

  test("every marker was seen in its own tool", () => {
    const seen = new Set(searched.flatMap(({ found = [] }) => found));
    const unseen = markers.map(({ tool, identity }) => `${tool}: ${identity.bytes}`).filter((one) => !seen.has(one));
    expect(unseen).toEqual([]);
  });

  test("no program, no fork among them, has the markers of two tools, and none has another's", () => {
    const owner = new Map(
      tools.flatMap((tool) =>
        tool.identities.flatMap((i) =>
          i.kind === "package" && i.ecosystem === "npm" ? [[i.id, tool.id] as const] : [],
        ),
      ),
    );
    for (const { release, found = [] } of searched) {
      const name = release.slice(0, release.lastIndexOf("@"));
      const foreign = found.filter((one) => !one.startsWith(`${owner.get(name)}: `));
      expect([release, foreign]).toEqual([release, []]);
    }
  });
});
