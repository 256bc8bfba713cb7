import { expect, test } from "vitest";
import { parseInstant } from "#lib/pure/instant.ts";
import { maxKeys } from "#trust/limits.ts";
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from "#trust/metadata.ts";
import type { Content } from "./simulator.ts";

// What a file of each role says, and what is wrong with one, in words.

const expires = "2027-01-01T00:00:00Z";
const header = { spec_version: "1.0.31", version: 3, expires };
const key = { keytype: "ed25519", scheme: "ed25519", keyval: { public: "ab" } };
const role = { keyids: ["k"], threshold: 1 };
const roles = { root: { keyids: ["k", "l"], threshold: 2 }, timestamp: role, snapshot: role, targets: role };
const meta = { version: 2, length: 0, hashes: { sha256: "ab", sha512: "cd" } };
const delegated = { ...role, name: "g", terminating: true, paths: ["g/*"] };
const bins = { ...role, bit_length: 32, name_prefix: "bin" };
const target = { length: 0, hashes: { sha256: "ab" } };

const good = {
  root: { _type: "root", ...header, consistent_snapshot: false, keys: { k: key }, roles },
  timestamp: { _type: "timestamp", ...header, meta: { "snapshot.json": meta } },
  snapshot: { _type: "snapshot", ...header, meta: { "targets.json": { version: 1 }, "g.json": meta } },
  targets: {
    _type: "targets",
    ...header,
    targets: { a: target, "b/c": { ...target, length: 9, custom: { is: "kept" } } },
    delegations: { keys: { k: key }, roles: [delegated] },
  },
};
const parse = { root: parseRoot, timestamp: parseTimestamp, snapshot: parseSnapshot, targets: parseTargets };
type Type = keyof typeof good;

const file = (
  signed: unknown,
  signatures: unknown = [
    { keyid: "k", sig: "00" },
    { keyid: "l", sig: "11" },
  ],
): Buffer => Buffer.from(JSON.stringify({ signatures, signed }));
const read = (type: Type, change: Content = {}): unknown => parse[type](file({ ...good[type], ...change }));

const parsed = {
  version: 3,
  expires: parseInstant(expires),
  signatures: new Map([
    ["k", "00"],
    ["l", "11"],
  ]),
};
const publicKey = { keytype: "ed25519", scheme: "ed25519", public: "ab" };
const saidOf = { version: 2, length: 0, hashes: new Map(Object.entries(meta.hashes)) };
const hashes = new Map([["sha256", "ab"]]);
const found: Record<Type, object> = {
  root: { consistentSnapshot: false, keys: new Map([["k", publicKey]]), roles },
  timestamp: { snapshot: saidOf, issued: undefined },
  snapshot: {
    meta: new Map<string, object>([
      ["targets.json", { version: 1, length: undefined, hashes: undefined }],
      ["g.json", saidOf],
    ]),
  },
  targets: {
    targets: new Map<string, object>([
      ["a", { path: "a", length: 0, hashes, custom: undefined }],
      ["b/c", { path: "b/c", length: 9, hashes, custom: { is: "kept" } }],
    ]),
    delegations: {
      keys: new Map([["k", publicKey]]),
      roles: new Map([["g", { ...delegated, pathHashPrefixes: undefined }]]),
      succinct: undefined,
    },
  },
};

test.each(["root", "timestamp", "snapshot", "targets"] as const)("all that a %s says is read", (type) => {
  expect(read(type)).toEqual({ type, ...parsed, signed: good[type], ...found[type] });
});

test("what may be left out may be, and what is at its bound is read", () => {
  expect(read("targets", { delegations: undefined })).toMatchObject({ delegations: undefined });
  expect(read("targets", { delegations: { keys: {}, succinct_roles: bins } })).toMatchObject({
    delegations: {
      keys: new Map(),
      roles: new Map(),
      succinct: { ...role, bitLength: 32, namePrefix: "bin" },
    },
  });
  const prefixes = { ...role, name: "h", path_hash_prefixes: ["00", "f"], terminating: false };
  expect(read("targets", { delegations: { keys: {}, roles: [prefixes] } })).toMatchObject({
    delegations: {
      roles: new Map([
        ["h", { ...role, name: "h", terminating: false, paths: undefined, pathHashPrefixes: ["00", "f"] }],
      ]),
    },
  });
  for (const x_issued of ["2026-12-29T00:00:00Z", expires])
    expect(read("timestamp", { x_issued })).toMatchObject({ issued: parseInstant(x_issued) });
  for (const spec_version of ["1.0", "1.10", "1.0.0", "1.999999999.999999999"])
    expect(read("timestamp", { spec_version })).toMatchObject({ version: 3 });
  const keyids = Array.from({ length: maxKeys }, (_, i) => `${i}`);
  expect(read("root", { roles: { ...roles, targets: { keyids, threshold: 1 } } })).toMatchObject({ version: 3 });
  expect(read("root", { keys: { k: { ...key, keyval: { public: 7 } } } })).toMatchObject({
    keys: new Map([["k", { ...publicKey, public: undefined }]]),
  });
  expect(parseSnapshot(file(good.snapshot, []))).toMatchObject({ signatures: new Map() });
});

const time = "is not a time of the form 2026-07-10T00:00:00Z";
const delegating = (change: object): Content => ({ delegations: { keys: {}, roles: [{ ...delegated, ...change }] } });
const binned = (change: object): Content => ({ delegations: { keys: {}, succinct_roles: { ...bins, ...change } } });
const ruling = (change: unknown): Content => ({ roles: { ...roles, snapshot: change } });

test.each<[type: Type, change: Content, why: string]>([
  ["root", { _type: "targets" }, "_type is not root"],
  ["snapshot", { _type: undefined }, "_type is not snapshot"],
  ["root", { spec_version: 1 }, "spec_version is not a text"],
  ...[
    "1",
    "1.",
    "2.0",
    "11.0",
    "x1.0",
    "1.0.",
    "1.0x",
    "1.0.0.0",
    "1.a",
    "1.0.a",
    "1.1234567890",
    "1.0.1234567890",
  ].map((spec_version): [Type, Content, string] => [
    "root",
    { spec_version },
    `spec_version ${spec_version} is not 1.x`,
  ]),
  ["targets", { version: 0 }, "version is not an integer of at least 1"],
  ["targets", { expires: 1 }, "expires is not a text"],
  ...["soon", "2027-02-30T00:00:00Z", "2027-01-01T24:00:01Z", "2027-01-01T00:00:00", "2027-01-01T00:00:00+00:00"].map(
    (at): [Type, Content, string] => ["targets", { expires: at }, `expires ${time}`],
  ),
  ...["+012027-01-01T00:00:00Z", "2027-01-01T00:00:00Z[UTC]", "2027-01-01T00:00:00.5Z", "2027-01-01t00:00:00Z"].map(
    (at): [Type, Content, string] => ["targets", { expires: at }, `expires ${time}`],
  ),

  ["root", { consistent_snapshot: 1 }, "consistent_snapshot is not true or false"],
  ["root", { keys: [] }, "keys is not an object"],
  ["root", { keys: { k: 1 } }, "key k is not an object"],
  ["root", { keys: { k: { ...key, keyval: "ab" } } }, "keyval of k is not an object"],
  ["root", { keys: { k: { ...key, keytype: 1 } } }, "keytype is not a text"],
  ["root", { keys: { k: { ...key, scheme: 1 } } }, "scheme is not a text"],
  ["root", { roles: undefined }, "roles is not an object"],
  ["root", ruling(undefined), "the role snapshot is not an object"],
  ["root", ruling({ ...role, keyids: "k" }), "keyids of the role snapshot is not a list"],
  ["root", ruling({ ...role, keyids: [1] }), "keyids of the role snapshot is not a text"],
  ["root", ruling({ ...role, keyids: ["k", "k"] }), "the role snapshot names a key twice"],
  ["root", ruling({ ...role, threshold: 0 }), "threshold of the role snapshot is not an integer of at least 1"],

  ["timestamp", { meta: undefined }, "meta is not an object"],
  ["timestamp", { meta: {} }, "what is said of snapshot.json is not an object"],
  [
    "timestamp",
    { meta: { "snapshot.json": { version: 0 } } },
    "the version of snapshot.json is not an integer of at least 1",
  ],
  [
    "timestamp",
    { meta: { "snapshot.json": { ...meta, length: -1 } } },
    "the length of snapshot.json is not an integer of at least 0",
  ],
  ["timestamp", { meta: { "snapshot.json": { ...meta, hashes: [] } } }, "the hashes of snapshot.json is not an object"],
  [
    "timestamp",
    { meta: { "snapshot.json": { ...meta, hashes: { sha256: 1 } } } },
    "a hash of snapshot.json is not a text",
  ],
  ["timestamp", { meta: { "snapshot.json": { ...meta, hashes: {} } } }, "snapshot.json has no hashes"],
  ["timestamp", { x_issued: "now" }, `x_issued ${time}`],
  [
    "timestamp",
    { x_issued: "2026-12-28T23:59:59Z" },
    "x_issued 2026-12-28T23:59:59Z is not within 72 hours before expires",
  ],
  [
    "timestamp",
    { x_issued: "2027-01-01T00:00:01Z" },
    "x_issued 2027-01-01T00:00:01Z is not within 72 hours before expires",
  ],

  ["snapshot", { meta: [] }, "meta is not an object"],
  ["snapshot", { meta: { "g.json": meta } }, "it has no targets.json"],
  [
    "snapshot",
    { meta: { "targets.json": meta, "g.json": {} } },
    "the version of g.json is not an integer of at least 1",
  ],

  ["targets", { targets: [] }, "targets is not an object"],
  ["targets", { targets: { a: 1 } }, "a is not an object"],
  ["targets", { targets: { a: { ...target, length: -1 } } }, "the length of a is not an integer of at least 0"],
  ["targets", { targets: { a: { length: 1 } } }, "the hashes of a is not an object"],
  ["targets", { delegations: [] }, "delegations is not an object"],
  ["targets", { delegations: { roles: [] } }, "keys is not an object"],
  ["targets", { delegations: { keys: {} } }, "roles is not a list"],
  ["targets", { delegations: { keys: {}, roles: [1] } }, "a delegated role is not an object"],
  ["targets", { delegations: { keys: {}, roles: [delegated, delegated] } }, "two delegations to g"],
  ["targets", delegating({ name: 1 }), "name is not a text"],
  ...["", "root", "timestamp", "snapshot", "targets"].map((name): [Type, Content, string] => [
    "targets",
    delegating({ name }),
    `a delegation to "${name}"`,
  ]),
  ["targets", delegating({ paths: "*" }), "paths of g is not a list"],
  ["targets", delegating({ paths: [1] }), "paths of g is not a text"],
  ["targets", delegating({ paths: undefined }), "g needs either paths or path_hash_prefixes"],
  ["targets", delegating({ path_hash_prefixes: ["00"] }), "g needs either paths or path_hash_prefixes"],
  ["targets", delegating({ paths: undefined, path_hash_prefixes: "00" }), "path_hash_prefixes of g is not a list"],
  ["targets", delegating({ terminating: 1 }), "terminating of g is not true or false"],
  ["targets", delegating({ threshold: 0 }), "threshold of g is not an integer of at least 1"],
  ["targets", { delegations: { keys: {}, roles: [], succinct_roles: bins } }, "both roles and succinct_roles"],
  ["targets", { delegations: { keys: {}, succinct_roles: null } }, "succinct_roles is not an object"],
  ["targets", binned({ bit_length: 0 }), "bit_length is not an integer of at least 1"],
  ["targets", binned({ bit_length: 33 }), "bit_length is over 32"],
  ["targets", binned({ name_prefix: 1 }), "name_prefix is not a text"],
  ["targets", binned({ threshold: 0 }), "threshold of succinct_roles is not an integer of at least 1"],
])("a %s with %j is refused: %s", (type, change, why) => {
  expect(() => read(type, change)).toThrow(
    expect.objectContaining({ code: "FORMAT", file: type, message: `${type}.json: ${why}` }),
  );
});

test.each<[what: unknown, why: string]>([
  [[], "the file is not an object"],
  [{ signatures: [] }, "signed is not an object"],
  [{ signed: good.root }, "signatures is not a list"],
  [{ signed: good.root, signatures: [1] }, "a signature is not an object"],
  [{ signed: good.root, signatures: [{ sig: "00" }] }, "keyid is not a text"],
  [{ signed: good.root, signatures: [{ keyid: "k" }] }, "sig is not a text"],
  [
    {
      signed: good.root,
      signatures: [
        { keyid: "k", sig: "00" },
        { keyid: "k", sig: "11" },
      ],
    },
    "two signatures of key k",
  ],
])("a file that is %j is refused: %s", (what, why) => {
  expect(() => parseRoot(Buffer.from(JSON.stringify(what)))).toThrow(
    expect.objectContaining({ code: "FORMAT", file: "root", message: `root.json: ${why}` }),
  );
});

test("a role of more keys than the bound is refused", () => {
  const keyids = Array.from({ length: maxKeys + 1 }, (_, i) => `${i}`);
  expect(() => read("root", ruling({ keyids, threshold: 1 }))).toThrow(
    expect.objectContaining({ code: "LIMIT", message: `root.json: the role snapshot has more than ${maxKeys} keys` }),
  );
});
