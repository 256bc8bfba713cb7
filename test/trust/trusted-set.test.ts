import { expect, test } from "vitest";
import { instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { parseTargets } from "#trust/metadata.ts";
import { TrustedSet } from "#trust/trusted-set.ts";
import { asPem, pemKey } from "./pem.ts";
import { listed, Simulator, type Content } from "./simulator.ts";

const now = parseInstant("2026-07-10T00:00:00Z");

/** A client that sees this repository for the first time. */
async function judged(sim: Simulator, at: Instant | undefined = now): Promise<TrustedSet> {
  const set = new TrustedSet(await sim.writeRoot());
  const files = await sim.files();
  const file = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0);
  set.finishRoot(at);
  set.updateTimestamp(file("timestamp.json"));
  set.updateSnapshot(file(`${sim.snapshot.version}.snapshot.json`));
  set.updateTargets(file(`${sim.targets.version}.targets.json`));
  return set;
}

interface Bent {
  readonly what: string;
  readonly bend: (sim: Simulator) => unknown;
  readonly code: string;
}
const content =
  (change: Content) =>
  (old: Content): Content => ({ ...old, ...change });
const longer = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from("\n")]);

const bent: readonly Bent[] = [
  { what: "a snapshot of another length than signed", bend: (f) => (f.snapshot.tamper = longer), code: "MISMATCH" },
  { what: "targets of another length than signed", bend: (f) => (f.targets.tamper = longer), code: "MISMATCH" },
  {
    what: "a snapshot that is longer than signed, where no hash was signed",
    bend: (f) => (f.timestamp.bend = meta("snapshot.json", { version: 1, length: 7 })),
    code: "MISMATCH",
  },
  {
    what: "a snapshot of another version than the timestamp says",
    bend: (f) => {
      f.promises = false;
      f.snapshot.bend = content({ version: 2 });
    },
    code: "VERSION",
  },
  {
    what: "targets of another version than the snapshot says",
    bend: (f) => {
      f.promises = false;
      f.targets.bend = content({ version: 2 });
    },
    code: "VERSION",
  },
  {
    what: "one public key under two ids, where two are needed",
    bend: (f) => {
      const [key] = f.targets.keys;
      f.targets.keys = [listed(key?.signer), listed(key?.signer, "another-name")];
      f.targets.threshold = 2;
    },
    code: "SIGNATURE",
  },
  {
    what: "one public key once as hex and once as PEM, where two are needed",
    bend: (f) => {
      const [key] = f.targets.keys;
      f.targets.keys = [listed(key?.signer), asPem(listed(key?.signer))];
      f.targets.threshold = 2;
    },
    code: "SIGNATURE",
  },
  {
    what: "a hash by an algorithm nobody knows",
    bend: (f) => (f.timestamp.bend = meta("snapshot.json", { version: 1, hashes: { md4: "00" } })),
    code: "MISMATCH",
  },
  {
    what: "an empty list of hashes",
    bend: (f) => (f.timestamp.bend = meta("snapshot.json", { version: 1, hashes: {} })),
    code: "FORMAT",
  },
  { what: "version 0", bend: (f) => (f.timestamp.bend = content({ version: 0 })), code: "FORMAT" },
  {
    what: "a version that is no exact integer",
    bend: (f) => (f.timestamp.bend = content({ version: 2 ** 53 - 1, spec_version: "2.0" })),
    code: "FORMAT",
  },
  {
    what: "a day that does not exist",
    bend: (f) => (f.timestamp.bend = content({ expires: "2027-02-30T00:00:00Z" })),
    code: "FORMAT",
  },
  {
    what: "a time with an offset",
    bend: (f) => (f.timestamp.bend = content({ expires: "2027-02-20T00:00:00+00:00" })),
    code: "FORMAT",
  },
  { what: "x_issued that is no time", bend: (f) => (f.timestamp.extra = { x_issued: "garbage" }), code: "FORMAT" },
  {
    what: "x_issued after expires",
    bend: (f) => (f.timestamp.extra = { x_issued: "2026-07-12T00:00:01Z" }),
    code: "FORMAT",
  },
  {
    what: "x_issued more than 72 hours before expires",
    bend: (f) => (f.timestamp.extra = { x_issued: "2026-07-08T23:59:59Z" }),
    code: "FORMAT",
  },
  { what: "a threshold of 0", bend: (f) => (f.targets.threshold = 0), code: "FORMAT" },
  {
    what: "a role that names a key twice",
    bend: (f) => (f.targets.keys = [...f.targets.keys, ...f.targets.keys]),
    code: "FORMAT",
  },
  {
    what: "a snapshot without targets.json",
    bend: (f) => {
      f.promises = false;
      f.snapshot.bend = content({ meta: {} });
    },
    code: "FORMAT",
  },
  {
    what: "a byte order mark",
    bend: (f) => (f.timestamp.tamper = (b) => Buffer.concat([Buffer.from("\ufeff"), b])),
    code: "FORMAT",
  },
  {
    what: "bytes that are not UTF-8",
    bend: (f) => (f.timestamp.tamper = () => Buffer.from([0x22, 0xff, 0x22])),
    code: "FORMAT",
  },
  { what: "two signatures of one key", bend: (f) => (f.timestamp.tamper = doubled), code: "FORMAT" },
  {
    what: "signatures that are no hex",
    bend: (f) => (f.timestamp.tamper = (b) => Buffer.from(b.toString().replace(/"sig":"[0-9a-f]*"/, '"sig":"zz"'))),
    code: "SIGNATURE",
  },
  {
    what: "roles that come from the prototype",
    bend: (f) => (f.root.bend = content({ roles: JSON.parse('{"__proto__":{"root":{}}}') })),
    code: "FORMAT",
  },
  { what: "brackets deeper than anything nests", bend: (f) => (f.timestamp.tamper = deep), code: "FORMAT" },
];

test.each(bent)("$what is refused as $code", async ({ bend, code }) => {
  const sim = new Simulator(now);
  bend(sim);
  await expect(judged(sim)).rejects.toMatchObject({ name: "TrustError", code });
});

test.each(["root", "timestamp", "snapshot", "targets"] as const)(
  "an expired %s is refused, and read all the same where age is only reported",
  async (role) => {
    const sim = new Simulator(now);
    sim.role(role).expires = now;
    await expect(judged(sim)).rejects.toMatchObject({ code: "EXPIRED", file: role });
    const set = new TrustedSet(await sim.writeRoot());
    set.finishRoot(undefined);
    set.updateTimestamp((await sim.files()).get("timestamp.json") ?? Buffer.of());
    expect(set.timestamp?.version).toBe(1);
  },
);

test("a set that refused something still has what it trusted before", async () => {
  const sim = new Simulator(now);
  const set = await judged(sim);
  sim.next("root").root.keys = [listed()];
  const stolen = await sim.writeRoot();
  expect(() => set.updateRoot(stolen)).toThrow("signed by 0 of the 1 keys");
  expect([set.root.version, set.targets?.version]).toEqual([1, 1]);
});

test.each(["ecdsa-sha2-nistp256", "rsassa-pss-sha256"] as const)(
  "metadata signed with %s is believed",
  async (scheme) => {
    const sim = new Simulator(now);
    sim.targets.keys = [pemKey(scheme)];
    expect((await judged(sim)).targets?.version).toBe(1);
    sim.targets.tamper = (bytes) => Buffer.from(bytes.toString().replace('"targets":{}', '"targets":{} '));
    await expect(judged(sim)).rejects.toMatchObject({ code: "MISMATCH" });
  },
);

test("a key of one kind does not verify as another", async () => {
  const sim = new Simulator(now);
  const key = pemKey("ecdsa-sha2-nistp256");
  sim.targets.keys = [{ ...key, key: { ...key.key, keytype: "ed25519", scheme: "ed25519" } }];
  await expect(judged(sim)).rejects.toMatchObject({ code: "SIGNATURE" });
});

test("names that JavaScript objects have are targets like any other", async () => {
  const sim = new Simulator(now);
  for (const name of ["__proto__", "constructor", "hasOwnProperty"]) sim.targets.targets.set(name, Buffer.from(name));
  const set = await judged(sim);
  expect([...(set.targets?.targets.keys() ?? [])].toSorted()).toEqual(["__proto__", "constructor", "hasOwnProperty"]);
  expect(set.targets?.targets.get("__proto__")?.length).toBe(9);
  expect(set.targets?.targets.get("valueOf")).toBeUndefined();
});

test("delegations are read, for whoever follows them", () => {
  const role = { name: "g", keyids: ["k"], threshold: 1, terminating: true, paths: ["groups/g/*"] };
  expect(parseTargets(delegating({ keys: {}, roles: [role] })).delegations?.roles.get("g")).toMatchObject({
    terminating: true,
    paths: ["groups/g/*"],
  });
  const { paths: _, ...pathless } = role;
  for (const roles of [
    [role, role],
    [{ ...role, name: "snapshot" }],
    [pathless],
    [{ ...role, path_hash_prefixes: ["00"] }],
  ])
    expect(() => parseTargets(delegating({ keys: {}, roles }))).toThrow(expect.objectContaining({ code: "FORMAT" }));
});

function targetsContent(more: Content): Content {
  return {
    _type: "targets",
    spec_version: "1.0.31",
    version: 1,
    expires: "2027-01-01T00:00:00Z",
    targets: {},
    ...more,
  };
}

function delegating(delegations: Content): Buffer {
  return Buffer.from(JSON.stringify({ signatures: [], signed: targetsContent({ delegations }) }));
}

function meta(name: string, value: Content): (old: Content) => Content {
  return content({ meta: { [name]: value } });
}

function doubled(bytes: Buffer): Buffer {
  const file = JSON.parse(bytes.toString()) as { signatures: unknown[]; signed: Content };
  return Buffer.from(JSON.stringify({ ...file, signatures: [...file.signatures, ...file.signatures] }));
}

function deep(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.toString().replace('"version":', `"deep":${"[".repeat(4000)}${"]".repeat(4000)},"version":`),
  );
}

test("time is an argument: the clock of 2100 finds everything expired, that of 1970 nothing", async () => {
  const sim = new Simulator(now);
  await expect(judged(sim, parseInstant("2100-01-01T00:00:00Z"))).rejects.toMatchObject({ code: "EXPIRED" });
  expect((await judged(sim, instantOf(0))).targets?.version).toBe(1);
});
