import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { makeSearch } from "#observe/search.ts";
import { parseCatalog, parseTool } from "#policy/parse.ts";
import { gradeOf, type Identity, type Tool } from "#policy/tool.ts";

const files = globSync("policies/catalog/*.json").toSorted();
const tools: readonly Tool[] = files.map((file) => parseTool(readFileSync(file)));
const identities = tools.flatMap((tool) => tool.identities.map((identity) => ({ tool: tool.id, identity })));

/** What makes two identities the same evidence, whatever their source. */
function evidenceOf(identity: Identity): string {
  const { source: _source, grade: _grade, os: _os, note: _note, ...rest } = identity;
  return JSON.stringify(rest);
}

test("every tool's file is called after its id, and all make one catalog", () => {
  expect(files.map((file) => basename(file, ".json"))).toEqual(tools.map((tool) => tool.id));
  const texts = files.map((file) => readFileSync(file, "utf8"));
  expect(parseCatalog(Buffer.from(`{"tools":[${texts.join(",")}]}`)).tools).toHaveLength(tools.length);
  expect(tools.length).toBeGreaterThanOrEqual(15);
});

test("what proves a tool says where that is known from", () => {
  const without = identities.filter(({ identity }) => gradeOf(identity) === "proof" && identity.source === undefined);
  expect(without).toEqual([]);
});

test("a source names a release, a public address or a file of a public repository", () => {
  const known =
    /@[\d.]|https:\/\/|\/.*(?:\.rb|manifests|bucket|packages|labels|docs|recipes)|package\.json|clients|builds of/;
  const others = identities.filter(({ identity }) => !known.test(identity.source ?? ""));
  expect(others.map(({ tool, identity }) => `${tool}: ${identity.source}`)).toEqual([
    "amp: @sourcegraph/amp, a shim over @ampcode/cli",
  ]);
});

test("no proof belongs to two tools", () => {
  const owners = Map.groupBy(
    identities.filter(({ identity }) => gradeOf(identity) === "proof"),
    ({ identity }) => evidenceOf(identity),
  );
  expect([...owners.values()].filter((same) => new Set(same.map((o) => o.tool)).size > 1)).toEqual([]);
});

test("no tool says the same thing twice", () => {
  for (const tool of tools) {
    const said = tool.identities.map((i) => `${evidenceOf(i)} ${[i.os ?? []].flat().join()}`);
    expect([tool.id, new Set(said).size]).toEqual([tool.id, said.length]);
  }
});

test("equivalents lead to tools of the catalog that no equivalent leads away from", () => {
  const ids = new Set(tools.map((tool) => tool.id));
  for (const tool of tools)
    for (const equivalent of tool.equivalents) {
      expect(ids).toContain(equivalent.tool);
      expect(tools.find((t) => t.id === equivalent.tool)?.equivalents).toEqual([]);
    }
});

describe("markers", () => {
  const markers = identities.flatMap(({ tool, identity }) => (identity.kind === "marker" ? [{ tool, identity }] : []));

  test("stand in no runtime that innocent programs are made of", () => {
    const bytes = markers.map(({ identity }) => Buffer.from(identity.bytes, identity.encoding));
    const runtimes = [
      process.execPath,
      ...globSync(["/usr/bin/node", "/usr/bin/python3", "/bin/bash", "/usr/bin/perl"]),
    ];
    for (const runtime of runtimes) {
      const found: string[] = [];
      const program = readFileSync(runtime);
      makeSearch(bytes).scan(program, program.length, (i) => found.push(markers[i]?.identity.bytes ?? ""));
      expect([runtime, found]).toEqual([runtime, []]);
    }
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
