import { expect, test } from "vitest";
import { matchPath } from "#trust/delegations.ts";
import { maxDelegations } from "#trust/limits.ts";
import { graphs, type Edge } from "./delegation-graphs.ts";
import { simulated, visited } from "./simulated.ts";

// Whom a client asks about a path, and in which order.

test.each(graphs)("$what", async ({ edges, order }) => {
  const { sim, mirror, look } = await simulated();
  for (const [parent, role, covered] of edges) sim.delegate(parent, role, covered);
  expect(await (await look()).find("missingpath")).toBeUndefined();
  expect(visited(mirror).join(" ")).toBe(order);
});

const tree: readonly Edge[] = [
  ["targets", "A", { paths: ["*.doc", "*.md"] }],
  ["targets", "B", { paths: ["releases/*/*"] }],
  ["B", "C", { paths: ["releases/x/*"] }],
  ["B", "D", { paths: ["releases/y/*.zip"] }],
];

test.each([
  { path: "file", by: "targets", order: "" },
  { path: "README.md", by: "A", order: "A" },
  { path: "releases/x/x_v1", by: "C", order: "B C" },
  { path: "releases/y/y_v1.zip", by: "D", order: "B D" },
  { path: "releases/z/z_v1.zip", by: undefined, order: "B" },
])("$path is found in $by", async ({ path, by, order }) => {
  const { sim, mirror, look } = await simulated();
  for (const [parent, role, covered] of tree) sim.delegate(parent, role, covered);
  sim.role(by ?? "D").targets.set(path, Buffer.from(`by ${by}`));
  const found = await (await look()).find(path);
  expect([found?.role, found?.file.path]).toEqual([by, by && path]);
  expect(visited(mirror).join(" ")).toBe(order);
});

test.each([
  { bits: 1, path: "boo", bin: "bin-0" },
  { bits: 1, path: "too", bin: "bin-1" },
  { bits: 2, path: "doo", bin: "bin-1" },
  { bits: 2, path: "bar", bin: "bin-3" },
  { bits: 8, path: "bar", bin: "bin-fc" },
  { bits: 8, path: "ash", bin: "bin-03" },
  { bits: 9, path: "bar", bin: "bin-1f9" },
  { bits: 9, path: "ash", bin: "bin-006" },
])("of $bits bits of bins, $bin is asked for $path, and no other", async ({ bits, path, bin }) => {
  const { sim, mirror, look } = await simulated();
  sim.delegateBins("targets", bits, "bin");
  sim.role(bin).targets.set(path, Buffer.from("binned"));
  expect(await (await look()).find(path)).toMatchObject({ role: bin });
  expect(visited(mirror)).toEqual([bin]);
});

test("a bin that does not know a path is the last that is asked", async () => {
  const { sim, mirror, look } = await simulated();
  sim.delegate("targets", "A");
  sim.delegate("targets", "B").targets.set("boo", Buffer.from("by B"));
  sim.delegateBins("A", 1, "bin");
  expect(await (await look()).find("boo")).toBeUndefined();
  expect(visited(mirror)).toEqual(["A", "bin-0"]);
});

test("32 bits of bins have eight digits", async () => {
  const { sim, mirror, look } = await simulated();
  sim.delegateBins("targets", 0, "bin");
  sim.targets.bins = { bit_length: 32, name_prefix: "bin" };
  sim.roles.set("bin-00000000", sim.role("bin-0"));
  // sha256("bar") begins with fcde2b2e.
  sim.roles.set("bin-fcde2b2e", sim.role("bin-0"));
  expect(await (await look()).find("bar")).toBeUndefined();
  expect(visited(mirror)).toEqual(["bin-fcde2b2e"]);
});

test.each([
  ["*", "a", true],
  ["*", "", true],
  ["*", ".hidden", true],
  ["*", "a/b", false],
  ["*/*", "a/b", true],
  ["*/*", "a/b/c", false],
  ["**", "a/b", false],
  ["a/**", "a/b/c", false],
  ["a/**", "a/b", true],
  ["a/", "a/", true],
  ["a/", "a", false],
  ["?.tgz", "1.tgz", true],
  ["?.tgz", "😀.tgz", true],
  ["?.tgz", "10.tgz", false],
  ["a?b", "a/b", false],
  ["foo-version-?.tgz", "foo-version-alpha.tgz", false],
  ["[ab]", "a", false],
  ["[ab]", "[ab]", true],
  ["{a,b}", "a", false],
  ["!a", "b", false],
  ["A", "a", false],
  ["groups/g/policy.json", "groups/g/policy.json", true],
  ["groups/*/policy.json", "groups/../policy.json", true],
  ["exceptions/*.json", "exceptions/a/b.json", false],
] as const)("the pattern %s and the path %s: %s", (pattern, path, matches) => {
  expect(matchPath(pattern, path)).toBe(matches);
});

test("a pattern made to be slow is not", () => {
  const path = `${"a".repeat(100_000)}c`;
  expect(matchPath(`${"*a".repeat(1000)}*b`, path)).toBe(false);
});

test(`no more than ${maxDelegations} delegated roles are asked in one search`, async () => {
  const { sim, mirror, look } = await simulated();
  for (let i = 0; i < maxDelegations; i += 1) sim.delegate("targets", `r${i}`);
  sim.role(`r${maxDelegations - 1}`).targets.set("last", Buffer.from("x"));
  const edge = (await look()).find;
  expect(await edge("last")).toMatchObject({ role: `r${maxDelegations - 1}` });
  sim.next("targets", "snapshot", "timestamp").delegate("targets", "beyond").targets.set("beyond", Buffer.from("x"));
  mirror.asked.length = 0;
  expect(await (await look()).find("beyond")).toBeUndefined();
  expect(visited(mirror)).not.toContain("beyond");
});

test("an answer is taken from nobody further down while the one before cannot be had", async () => {
  const { sim, mirror, look } = await simulated();
  sim.delegate("targets", "A").targets.set("x", Buffer.from("by A"));
  sim.delegate("targets", "B").targets.set("x", Buffer.from("by B"));
  mirror.instead.set("1.A.json", undefined);
  await expect((await look()).find("x")).rejects.toMatchObject({ code: "HTTP", file: "A" });
  expect(visited(mirror)).toEqual(["A"]);
  const unlisted = await simulated();
  unlisted.sim.delegate("targets", "A").targets.set("x", Buffer.from("by A"));
  unlisted.sim.delegate("targets", "B").targets.set("x", Buffer.from("by B"));
  unlisted.sim.snapshot.bend = (content) => {
    const { "A.json": _, ...meta } = content["meta"] as Record<string, object>;
    return { ...content, meta };
  };
  expect(await (await unlisted.look()).find("x")).toBeUndefined();
  expect(visited(unlisted.mirror)).toEqual([]);
});
