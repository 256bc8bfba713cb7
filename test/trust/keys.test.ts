import { expect, test } from "vitest";
import { limits } from "#trust/limits.ts";
import { MemoryStore, type MetadataStore } from "#trust/store.ts";
import { keysOf } from "#trust/trusted-set.ts";
import { update } from "#trust/updater.ts";
import { Mirror } from "./mirror.ts";
import { asPem, pemKey } from "./pem.ts";
import { now, simulated, verdict } from "./simulated.ts";
import { listed, Simulator, type Listed } from "./simulator.ts";

// Keys and thresholds, as roots and roles change hands.

const keys = Array.from({ length: 10 }, () => listed());
const some = (numbers: string): Listed[] => Array.from(numbers).flatMap((number) => keys[Number(number)] ?? []);

/** Numbers of keys that are listed, how many are needed, and who signs. */
type Version = readonly [keys: string, threshold: number, signers: string];

const roots: readonly { readonly what: string; readonly versions: readonly Version[]; readonly good: boolean }[] = [
  {
    what: "one key is replaced",
    versions: [
      ["1", 1, "1"],
      ["2", 1, "21"],
      ["2", 1, "2"],
    ],
    good: true,
  },
  {
    what: "one key is replaced, and strangers sign too",
    versions: [
      ["1", 1, "314"],
      ["2", 1, "3214"],
      ["2", 1, "324"],
    ],
    good: true,
  },
  {
    what: "any three of five sign",
    versions: [
      ["01234", 3, "024"],
      ["01234", 3, "041"],
      ["01234", 3, "013"],
    ],
    good: true,
  },
  {
    what: "one of five is replaced",
    versions: [
      ["01234", 3, "024"],
      ["01345", 3, "041"],
    ],
    good: true,
  },
  {
    what: "one of five is replaced and signs at once",
    versions: [
      ["01234", 3, "024"],
      ["01345", 3, "0245"],
      ["01345", 3, "045"],
    ],
    good: true,
  },
  {
    what: "all five are replaced",
    versions: [
      ["01234", 3, "024"],
      ["56789", 3, "024567"],
      ["56789", 3, "567"],
    ],
    good: true,
  },
  {
    what: "more keys are needed from now on",
    versions: [
      ["123", 1, "1"],
      ["123", 2, "12"],
    ],
    good: true,
  },
  {
    what: "fewer keys are needed from now on",
    versions: [
      ["123", 2, "12"],
      ["123", 1, "12"],
      ["123", 1, "1"],
    ],
    good: true,
  },
  {
    what: "a second key comes in",
    versions: [
      ["1", 1, "1"],
      ["12", 2, "12"],
    ],
    good: true,
  },
  {
    what: "the old key has not signed",
    versions: [
      ["1", 1, "1"],
      ["2", 1, "234"],
    ],
    good: false,
  },
  {
    what: "the new key has not signed",
    versions: [
      ["1", 1, "1"],
      ["2", 1, "134"],
    ],
    good: false,
  },
  {
    what: "not three of the new keys",
    versions: [
      ["01234", 3, "024"],
      ["01345", 3, "024"],
    ],
    good: false,
  },
  {
    what: "not three of the old keys",
    versions: [
      ["01234", 3, "024"],
      ["01345", 3, "045"],
    ],
    good: false,
  },
  {
    what: "not as many as the new root needs",
    versions: [
      ["123", 1, "1"],
      ["123", 2, "2"],
    ],
    good: false,
  },
  {
    what: "not as many as the old root needs",
    versions: [
      ["123", 2, "12"],
      ["123", 1, "1"],
    ],
    good: false,
  },
];

test.each(roots)("a root where $what: $good", async ({ versions, good }) => {
  const sim = new Simulator(now);
  sim.root.version = 0;
  for (const [listing, threshold, signers] of versions) {
    Object.assign(sim.next("root").root, { keys: some(listing), threshold, signers: some(signers) });
    await sim.writeRoot();
  }
  const files = await sim.files();
  const bootstrap = files.get("1.root.json") ?? Buffer.of();
  const store: MetadataStore = new MemoryStore();
  const look = update({ fetcher: new Mirror(sim), store, bootstrap, now });
  expect(await verdict(look)).toBe(good ? "believed" : "SIGNATURE root");
  const last = good ? versions.length : versions.length - 1;
  expect(await store.read("root.json", limits.root)).toEqual(files.get(`${last}.root.json`));
});

const others: readonly { readonly what: string; readonly version: Version; readonly good: boolean }[] = [
  { what: "another key", version: ["2", 1, "2"], good: true },
  { what: "strangers that sign too", version: ["1", 1, "314"], good: true },
  { what: "three of five", version: ["01234", 3, "024"], good: true },
  { what: "three others of five", version: ["01234", 3, "234"], good: true },
  { what: "strangers alone", version: ["2", 1, "134"], good: false },
  { what: "two of five and a stranger", version: ["01345", 3, "024"], good: false },
  { what: "two of five", version: ["01345", 3, "04"], good: false },
  { what: "fewer keys than are needed", version: ["01", 3, "01"], good: false },
];

test.each(["timestamp", "snapshot", "targets", "delegated"].flatMap((role) => others.map((row) => ({ role, ...row }))))(
  "a $role role with $what: $good",
  async ({ role, version: [listing, threshold, signers], good }) => {
    const { sim, look } = await simulated();
    sim.delegate("targets", "delegated");
    await look();
    Object.assign(sim.role(role), { keys: some(listing), threshold, signers: some(signers) });
    await sim.next("root", "delegated", "targets", "snapshot", "timestamp").writeRoot();
    expect(await verdict(look().then(({ find }) => find("nothing")))).toBe(good ? "believed" : `SIGNATURE ${role}`);
  },
);

const broken =
  (sig: string) =>
  (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString().replace(/"sig":"[0-9a-f]*"/, `"sig":"${sig}"`));

test.each([
  ["ed25519", listed()],
  ["ecdsa-sha2-nistp256", pemKey("ecdsa-sha2-nistp256")],
  ["rsassa-pss-sha256", pemKey("rsassa-pss-sha256")],
])(
  "a root that needs a key of %s, under whatever id, is believed, and not where its signature is another",
  async (_scheme, key) => {
    const { sim, look } = await simulated();
    sim.root.keys.unshift({ ...key, keyid: "any name at all" });
    sim.root.threshold = 2;
    await sim.next("root").writeRoot();
    expect((await look()).set.root.version).toBe(2);
    sim.root.tamper = broken("30440220" + "1".repeat(136));
    await sim.next("root").writeRoot();
    await expect(look()).rejects.toMatchObject({ code: "SIGNATURE", file: "root" });
  },
);

test.each(["", "zz", "00", "f".repeat(128)])(
  "one signature that is %j is no harm where another is enough",
  async (sig) => {
    const { sim, look } = await simulated();
    sim.timestamp.keys.unshift(listed());
    await sim.next("root").writeRoot();
    sim.timestamp.tamper = broken(sig);
    expect((await look()).timestamp.version).toBe(1);
  },
);

test("a key whose text is none signs nothing, and is no harm where another is enough", async () => {
  const { sim, look } = await simulated();
  for (const key of [
    { keytype: "ed25519", scheme: "ed25519", keyval: { public: "no key" } },
    { keytype: "new", scheme: "new", keyval: {} },
  ])
    sim.timestamp.keys.unshift({ ...listed(), keyid: key.keytype, key: key as Listed["key"] });
  await sim.next("root").writeRoot();
  expect((await look()).timestamp.version).toBe(1);
});

test("a role's keys are counted by what they are; what is none is not counted", () => {
  const one = listed();
  const unreadable = { ...pemKey("ecdsa-sha2-nistp256") };
  const role = [one, { ...one, keyid: "again" }, asPem(one), listed(), { ...listed(), keyid: "new" }, unreadable];
  const known = role.map(
    ({ keyid, key }: Listed) =>
      [
        keyid,
        { keytype: keyid === "new" ? "new" : key.keytype, scheme: key.scheme, public: key.keyval.public },
      ] as const,
  );
  const all = new Map(known).set(unreadable.keyid, {
    keytype: "ecdsa",
    scheme: "ecdsa-sha2-nistp256",
    public: "-----BEGIN PUBLIC KEY-----\nnothing",
  });
  const found = keysOf({ keyids: [...all.keys(), "nobody's"], threshold: 1 }, all);
  expect(found.size).toBe(2);
});
