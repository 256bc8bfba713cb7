import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import {
  boundOf,
  commonPaths,
  deviceTarget,
  findPart,
  idsOf,
  packedFile,
  unpack,
  verifyGeneration,
  type Used,
} from "#trust/generation.ts";
import { limits } from "#trust/limits.ts";
import { parseTargets, type TargetFile, type Targets } from "#trust/metadata.ts";
import { exceptionsPath, groupPath, partOf, type Part } from "#trust/parts.ts";
import { sha256 } from "#trust/sha256.ts";
import { roleFile } from "#trust/store.ts";
import { simulated } from "./simulated.ts";

// What belongs together: which files, how long they may be, who says what of them, and by which id it goes.

const group = groupPath("a");
const exceptions = exceptionsPath("ab");

test.each([
  ["root.json", limits.root],
  ["timestamp.json", limits.timestamp],
  ["snapshot.json", limits.signedMetadata],
  ["targets.json", limits.signedMetadata],
  ["group-a.json", limits.delegated],
  ["policy.json.gz", limits.policy],
  [packedFile(group), limits.group],
  [packedFile(exceptions), limits.exceptions],
  ["policy.json", limits.delegated],
  ["other.json.gz", undefined],
  ["policy.json.gzz", undefined],
  ["state", undefined],
  ["", undefined],
])("%s in a generation's folder has its bound", (file, bound) => {
  expect(boundOf(file)).toBe(bound);
});

const part = (path: string): Part => partOf(path) ?? expect.unreachable(path);
const target = (path: string, length: number): TargetFile => ({
  path,
  length,
  hashes: new Map([["sha256", "ab"]]),
  custom: undefined,
});

function saying(...files: readonly TargetFile[]): Targets {
  const targets = Object.fromEntries(files.map(({ path, length }) => [path, { length, hashes: { sha256: "ab" } }]));
  const signed = { _type: "targets", spec_version: "1.0", version: 3, expires: "2027-01-01T00:00:00Z", targets };
  return parseTargets(Buffer.from(JSON.stringify({ signatures: [], signed })));
}

const anybody = (): Promise<never> => Promise.reject(new Error("somebody else was asked"));

test.each(["policy.json", "catalog.json", "devices.json"])(
  "of %s only the top-level role says something",
  async (path) => {
    expect(await findPart(part(path), saying(), anybody)).toBeUndefined();
    const file = target(path, 5);
    expect(await findPart(part(path), saying(file), anybody)).toEqual({ file, role: "targets" });
  },
);

test.each([group, exceptions])("of %s those say something who are asked in their turn", async (path) => {
  const found = { file: target(path, 5), role: "b" };
  expect(await findPart(part(path), saying(target(path, 7)), () => Promise.resolve(found))).toEqual(found);
  expect(await findPart(part(path), saying(target(path, 7)), () => Promise.resolve(undefined))).toBeUndefined();
});

test("a part has its bound, whoever signed it", async () => {
  for (const path of ["policy.json", "catalog.json"]) {
    const { bound } = part(path);
    expect(deviceTarget(saying(target(path, bound)), path).length).toBe(bound);
    const message = `${path} has ${bound + 1} bytes, at most ${bound} are allowed`;
    expect(() => deviceTarget(saying(target(path, bound + 1)), path)).toThrow(
      expect.objectContaining({ code: "LIMIT", file: path, message }),
    );
    await expect(findPart(part(path), saying(target(path, bound + 1)), expect.unreachable)).rejects.toMatchObject({
      code: "LIMIT",
    });
  }
  const long = { file: target(group, limits.group + 1), role: "a" };
  await expect(findPart(part(group), saying(), () => Promise.resolve(long))).rejects.toMatchObject({
    code: "LIMIT",
    file: group,
  });
});

test("what has not been published is said", () => {
  const message = "no policy.json has been published in targets version 3";
  expect(() => deviceTarget(saying(), "policy.json")).toThrow(
    expect.objectContaining({ code: "MISMATCH", file: "policy.json", message }),
  );
});

test("every device uses the policy and the catalog, and who is in which group where that is signed", () => {
  expect(commonPaths(saying())).toEqual(["policy.json", "catalog.json"]);
  expect(commonPaths(saying(target("devices.json", 1)))).toEqual(["policy.json", "catalog.json", "devices.json"]);
});

test("what is packed is unpacked up to its bound", async () => {
  const bytes = Buffer.alloc(1_000, "x");
  expect(await unpack(gzipSync(bytes), "policy.json", 1_000)).toEqual(bytes);
  await expect(unpack(gzipSync(bytes), "policy.json", 999)).rejects.toMatchObject({
    code: "LIMIT",
    file: "policy.json",
    message: "policy.json unpacks to more than 999 bytes",
    cause: expect.any(Error),
  });
  for (const packed of [Buffer.of(), bytes, gzipSync(bytes).subarray(0, -1)])
    await expect(unpack(packed, "policy.json", 1_000)).rejects.toMatchObject({
      code: "FORMAT",
      file: "policy.json",
      message: "policy.json is not gzip",
      cause: expect.any(Error),
    });
});

/** A whole generation: its files by their names in a folder. */
async function whole() {
  const { sim, look } = await simulated();
  const contents = new Map([
    ["policy.json", "base"],
    ["catalog.json", "tools"],
    [group, "theirs"],
    [exceptions, "granted"],
  ]);
  sim.delegate("targets", "group-a", { paths: [group] });
  sim.delegate("targets", "exceptions", { paths: ["exceptions/*.json"] });
  for (const [path, text] of contents) {
    const role = path === group ? "group-a" : path === exceptions ? "exceptions" : "targets";
    sim.role(role).targets.set(path, gzipSync(text));
  }
  const { set, find } = await look();
  const used: Used[] = [];
  for (const path of contents.keys()) {
    const found = await find(path);
    if (found !== undefined) used.push({ part: part(path), found });
  }
  const files = new Map([...set.files].map(([role, bytes]) => [roleFile(role), bytes]));
  for (const {
    part: { path },
    found,
  } of used) {
    const bytes = sim.role(found.role).targets.get(path);
    if (bytes !== undefined) files.set(packedFile(path), bytes);
  }
  return { set, used, files };
}

test("a generation verifies from its own root down to its files", async () => {
  const { files, used, set } = await whole();
  const chain = await verifyGeneration(files);
  expect(chain.used).toEqual(used);
  expect([chain.targets, chain.set.files]).toEqual([set.targets, set.files]);
  expect(chain.set.files.size).toBe(6);
});

test("each of its files is needed, and is the one that was signed", async () => {
  const { files } = await whole();
  const own = [packedFile(group), packedFile(exceptions)]; // missed by the id alone
  for (const [name, bytes] of files) {
    const damaged = new Map(files).set(name, bytes.subarray(0, -1));
    const code = /root|timestamp/.test(name) ? "FORMAT" : "MISMATCH";
    await expect(verifyGeneration(damaged)).rejects.toMatchObject({ code });
  }
  for (const name of [...files.keys()].filter((file) => !own.includes(file))) {
    const without = new Map(files);
    without.delete(name);
    const message = `${name} is missing or cannot be read`;
    await expect(verifyGeneration(without)).rejects.toMatchObject({ code: "CACHE", file: name, message });
  }
});

test("a file of a group that nobody signed for is refused", async () => {
  const { files } = await whole();
  files.set(packedFile(groupPath("b")), gzipSync("{}"));
  const message = "nobody has signed groups/b/policy.json";
  await expect(verifyGeneration(files)).rejects.toMatchObject({ code: "MISMATCH", file: groupPath("b"), message });
});

test("a file that is not packed is no part, whatever else it is called", async () => {
  const { files, used } = await whole();
  const name = packedFile(groupPath("b")).replace(/gz$/, "xz");
  expect((await verifyGeneration(files.set(name, gzipSync("{}")))).used).toEqual(used);
});

test("the id is that of what is used, in whatever order it was found; exceptions leave the policy's id", async () => {
  const { set, used } = await whole();
  const only = (...paths: readonly string[]): ReturnType<typeof idsOf> =>
    idsOf({ set, used: used.filter(({ part: { path } }) => paths.includes(path)) });
  const targets = sha256(set.files.get("targets") ?? "");
  expect(only("policy.json", "catalog.json")).toEqual({ id: targets, policyId: targets });
  const theirs = sha256(JSON.stringify([targets, [[group, "group-a", sha256(set.files.get("group-a") ?? "")]]]));
  expect(only("policy.json", group)).toEqual({ id: theirs, policyId: theirs });
  const granted = [[exceptions, [["sha256", sha256(gzipSync("granted"))]]]];
  expect(only("policy.json", exceptions)).toEqual({
    id: sha256(JSON.stringify([targets, granted])),
    policyId: targets,
  });
  expect(idsOf({ set, used })).toEqual({ id: sha256(JSON.stringify([theirs, granted])), policyId: theirs });
  expect(idsOf({ set, used: used.toReversed() })).toEqual(idsOf({ set, used }));
});

test("groups count in the order of their paths", async () => {
  const { set, used } = await whole();
  const file = target(groupPath("b"), 1);
  const more: Used = { part: part(groupPath("b")), found: { file, role: "group-a" } };
  const bytes = sha256(set.files.get("group-a") ?? "");
  const inOrder = [
    [group, "group-a", bytes],
    [groupPath("b"), "group-a", bytes],
  ];
  const wanted = sha256(JSON.stringify([sha256(set.files.get("targets") ?? ""), inOrder]));
  const own = used.filter(({ part: { kind } }) => kind === "group");
  for (const all of [
    [...own, more],
    [more, ...own],
  ])
    expect(idsOf({ set, used: all }).policyId).toBe(wanted);
});
