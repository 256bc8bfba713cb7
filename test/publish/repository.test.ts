import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRepository } from "#publish/current.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { addSignature, mergeProposals, parseProposal, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { initRepository, resignTimestamp } from "#publish/repository.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { day, emptyCatalog, hour, policyOf, served, TestClock, type Served } from "../trust/repository.ts";

function propose(repo: Served, name: string, key: Signer = repo.key): Promise<Proposal> {
  return signPolicy({ repo: repo.dir, policy: policyOf(name), catalog: emptyCatalog, key, clock: repo.clock });
}

function push({ dir, keysDir, clock }: Served, proposal: Proposal): ReturnType<typeof publishProposal> {
  return publishProposal({ dir, keysDir, proposal, clock });
}

/** Every file and its bytes' hash: what a reader could see. */
async function visible(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  const lines = files.map(
    async (file) =>
      `${file} ${createHash("sha256")
        .update(await readFile(file))
        .digest("hex")}`,
  );
  return (await Promise.all(lines)).toSorted();
}

test("a proposal survives its journey as JSON and is then in force", async () => {
  const repo = await served();
  const travelled = parseProposal(Buffer.from(JSON.stringify(await propose(repo, "one"))));
  expect(await push(repo, travelled)).toEqual({ targets: 2, snapshot: 2, timestamp: 2 });
  const { policy } = await readRepository({ repo: repo.dir, clock: repo.clock });
  expect(Buffer.compare(policy ?? Buffer.alloc(0), policyOf("one"))).toBe(0);
});

const refusals: readonly (readonly [string, string, (repo: Served, good: Proposal) => Proposal | Promise<Proposal>])[] =
  [
    ["one signed by a key that may not", "SIGNATURE", (_repo, good) => resigned(good, newSigner())],
    [
      "one whose policy is another than was signed",
      "MISMATCH",
      (_repo, good) => ({ ...good, files: { ...good.files, "policy.json": Buffer.from("other").toString("base64") } }),
    ],
    ["one without its policy", "PROPOSAL", (_repo, good) => ({ ...good, files: {} })],
    [
      "one that was changed after it was signed",
      "SIGNATURE",
      (_repo, good) => bent(good, { version: 2, expires: "2099-01-01T00:00:00Z" }),
    ],
    [
      "one that has expired on its way",
      "EXPIRED",
      (repo, good) => {
        repo.clock.add(181 * day);
        return good;
      },
    ],
    ["one that skips a version", "VERSION", (repo, good) => resigned(bent(good, { version: 3 }), repo.key)],
  ];
test.each(refusals)("%s is refused as %s, and nothing becomes visible", async (_what, code, bend) => {
  const repo = await served();
  const proposal = await bend(repo, await propose(repo, "one"));
  const before = await visible(repo.dir);
  await expect(push(repo, proposal)).rejects.toMatchObject({ code });
  expect(await visible(repo.dir)).toEqual(before);
});

test("of two proposals made on the same version the second has to be signed again", async () => {
  const repo = await served();
  const [one, two] = [await propose(repo, "one"), await propose(repo, "two")];
  const done = await Promise.allSettled([push(repo, one), push(repo, two)]);
  expect(done.map((d) => d.status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect((await readRepository({ repo: repo.dir, clock: repo.clock })).targets.version).toBe(2);
});

test("a key that may not sign policies is told so before anything travels", async () => {
  const repo = await served();
  await expect(propose(repo, "one", newSigner())).rejects.toMatchObject({ code: "SIGNATURE" });
});

test("at every moment of a publication a device sees a whole", async () => {
  const repo = await served();
  await repo.publish("p0");
  const state = { publishing: true };
  const writer = (async () => {
    for (let i = 1; i <= 8; i += 1) await repo.publish(`p${i}`);
    state.publishing = false;
  })();
  const seen: number[] = [];
  while (state.publishing) {
    const client = await repo.client();
    seen.push((await client.refresh()).version);
  }
  await writer;
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.length).toBeGreaterThan(1);
});

test("the hourly signature moves the timestamp, and the snapshot before half of its time is over", async () => {
  const repo = await served();
  await repo.publish("one");
  repo.clock.add(hour);
  await repo.resign();
  const { timestamp, snapshot } = await readRepository({ repo: repo.dir, clock: repo.clock });
  expect([timestamp.version, timestamp.issued, snapshot.version]).toEqual([3, repo.clock.at, 2]);
  repo.clock.add(8 * day);
  expect(await resignTimestamp({ dir: repo.dir, keysDir: repo.keysDir, clock: repo.clock })).toEqual({
    targets: 2,
    snapshot: 3,
    timestamp: 4,
  });
  expect((await (await repo.client()).refresh()).state).toBe("fresh");
});

test("a server that was away for a month signs again, and the same policy is fresh", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  await client.activated(await client.refresh());
  repo.clock.add(30 * day);
  await expect(client.refresh()).rejects.toMatchObject({ code: "EXPIRED" });
  await repo.resign();
  expect(await client.refresh()).toMatchObject({ version: 2, state: "fresh" });
});

test("a new repository replaces none, and leaves none where its threshold cannot be met", async () => {
  const repo = await served();
  const before = await visible(repo.dir);
  const options = { keysDir: repo.keysDir, key: newSigner(), clock: repo.clock };
  await expect(initRepository({ dir: repo.dir, ...options })).rejects.toMatchObject({ code: "EXISTS" });
  expect(await visible(repo.dir)).toEqual(before);
  const empty = join(await temporaryFolder(), "new");
  await expect(initRepository({ dir: empty, ...options, threshold: 2 })).rejects.toMatchObject({ code: "KEY" });
  await expect(stat(join(empty, "1.root.json"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("two signers of two are both needed", async () => {
  const base = await temporaryFolder();
  const [dir, keysDir, clock] = [join(base, "repo"), join(base, "keys"), new TestClock("2026-07-10T00:00:00Z")];
  const [ann, bob] = [newSigner(), newSigner()];
  const signers = [ann, bob];
  await initRepository({ dir, keysDir, clock, key: ann, rootSigners: signers, targetsSigners: signers, threshold: 2 });
  const one = await signPolicy({ repo: dir, policy: policyOf("x"), catalog: emptyCatalog, key: ann, clock });
  await expect(publishProposal({ dir, keysDir, proposal: one, clock })).rejects.toMatchObject({
    code: "SIGNATURE",
    seen: 1,
    wanted: 2,
  });
  const both = mergeProposals(one, await resigned(one, bob));
  expect(await publishProposal({ dir, keysDir, proposal: both, clock })).toMatchObject({ targets: 2 });
});

test("what the last policy changed is a proposal's content, and an unchanged catalog does not travel again", async () => {
  const repo = await served();
  expect(Object.keys((await propose(repo, "one")).files)).toEqual(["policy.json", "catalog.json"]);
  await repo.publish("one");
  expect(Object.keys((await propose(repo, "two")).files)).toEqual(["policy.json"]);
  expect(Object.keys((await propose(repo, "one")).files)).toEqual([]);
});

test("a publication that died before its timestamp was written is simply done again", async () => {
  const repo = await served();
  const timestamp = await readFile(join(repo.dir, "timestamp.json"));
  const proposal = await propose(repo, "one");
  await push(repo, proposal);
  await writeFile(join(repo.dir, "timestamp.json"), timestamp);
  expect(await push(repo, proposal)).toEqual({ targets: 2, snapshot: 2, timestamp: 2 });
  expect((await (await repo.client()).refresh()).version).toBe(2);
});

test("a repository without the server's keys publishes nothing", async () => {
  const repo = await served();
  const proposal = await propose(repo, "one");
  await rm(join(repo.keysDir, "timestamp.pem"));
  await expect(push(repo, proposal)).rejects.toMatchObject({ code: "KEY" });
});

test.each([
  "",
  "[]",
  "{}",
  '{"format":"edict-proposal"}',
  '{"format":"edict-proposal","formatVersion":1,"roles":{},"files":{}}',
  '{"format":"edict-proposal","formatVersion":1,"roles":{"timestamp":{"signatures":[],"signed":{}}},"files":{}}',
  '{"format":"edict-proposal","formatVersion":1,"roles":{"targets":{"signatures":[],"signed":{}}},"files":{},"more":1}',
  "\u0000".repeat(10),
])("%j is no proposal", (text) => {
  expect(() => parseProposal(Buffer.from(text))).toThrow(expect.objectContaining({ code: "PROPOSAL" }));
});

function resigned(proposal: Proposal, key: Signer): Promise<Proposal> {
  return addSignature(bent(proposal, {}), ["targets"], key);
}

/** The same proposal with something else in its targets, and for the rest the signatures of what it was. */
function bent(proposal: Proposal, change: Record<string, unknown>): Proposal {
  const { signed, signatures } = roleIn(proposal, "targets") ?? { signed: {}, signatures: [] };
  const kept = Object.keys(change).length === 0 ? [] : signatures;
  return { ...proposal, roles: { targets: { signatures: kept, signed: { ...signed, ...change } } } };
}
