import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { examine } from "#publish/examine.ts";
import { mergeProposals, parseProposal, proposalBytes, type Proposal } from "#publish/proposal-file.ts";
import { proposeRepository } from "#publish/propose-root.ts";
import { publishProposal, signProposal } from "#publish/proposal.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { TestClock } from "../trust/repository.ts";

interface Ceremony {
  readonly dir: string;
  readonly people: readonly Signer[];
  readonly first: Proposal;
  readonly complete: (proposal: Proposal) => ReturnType<typeof publishProposal>;
}

async function ceremony(threshold: number): Promise<Ceremony> {
  const base = await temporaryFolder();
  const [dir, keysDir, clock] = [join(base, "repo"), join(base, "keys"), new TestClock("2026-07-10T00:00:00Z")];
  const people = [newSigner(), newSigner("ecdsa-p256"), newSigner()];
  const keys = people.map(({ key }) => key);
  const first = await proposeRepository({ rootKeys: keys, targetsKeys: keys, threshold, keysDir, clock });
  return {
    dir,
    people,
    first,
    complete: (proposal) => publishProposal({ dir, keysDir, clock, proposal, create: true }),
  };
}

/** One signer on a machine of their own, where there is nothing but the proposal. */
async function apart(proposal: Proposal, signer: Signer | undefined): Promise<Proposal> {
  const travelled = parseProposal(proposalBytes(proposal));
  return signProposal(examine(travelled, { root: undefined, current: undefined }), signer ?? newSigner());
}

test("two of three sign on their own machines, one after the other, and a repository is made of it", async () => {
  const { first, people, complete, dir } = await ceremony(2);
  const [ann, bob] = people;
  const one = await apart(first, ann);
  await expect(complete(one)).rejects.toMatchObject({ code: "SIGNATURE", seen: 1, wanted: 2, file: "root" });
  expect(await readdir(dir)).toEqual([]);
  expect(await complete(await apart(one, bob))).toMatchObject({ targets: 1, snapshot: 1, timestamp: 1 });
  expect((await stat(join(dir, "1.root.json"))).mode & 0o777).toBe(0o644);
});

test("copies that were signed at the same time in different places are put together", async () => {
  const { first, people, complete } = await ceremony(3);
  const copies = await Promise.all(people.map((signer) => apart(first, signer)));
  const [one = first, ...others] = copies;
  await expect(complete(mergeProposals(one, others[0] ?? one))).rejects.toMatchObject({ code: "SIGNATURE", seen: 2 });
  await expect(complete(mergeProposals(one, ...others))).resolves.toMatchObject({ targets: 1 });
});

test("a copy that says something else is not taken for one", async () => {
  const [one, other] = [await ceremony(1), await ceremony(1)];
  expect(() => mergeProposals(one.first, other.first)).toThrow(expect.objectContaining({ code: "PROPOSAL" }));
});

test("a bad signature in one copy does not hide the good one in another", async () => {
  const { first, people, complete } = await ceremony(1);
  const good = await apart(first, people[0]);
  const bad = JSON.parse(JSON.stringify(good).replace(/"sig":"..../g, '"sig":"0000')) as Proposal;
  await expect(complete(bad)).rejects.toMatchObject({ code: "SIGNATURE" });
  await expect(complete(mergeProposals(bad, good))).resolves.toMatchObject({ targets: 1 });
});

test("whoever may not sign is told so, and a signature of a stranger counts for nothing", async () => {
  const { first, people, complete } = await ceremony(2);
  await expect(apart(first, newSigner())).rejects.toMatchObject({ code: "SIGNATURE" });
  const one = await apart(first, people[0]);
  const stranger = await ceremony(1);
  const foreign = await apart(stranger.first, stranger.people[0]);
  const roles = Object.entries(one.roles).map(([role, file]) => {
    const more = foreign.roles[role]?.signatures ?? [];
    return [role, { ...file, signatures: [...file.signatures, ...more] }];
  });
  await expect(complete({ ...one, roles: Object.fromEntries(roles) })).rejects.toMatchObject({ seen: 1 });
});

test("there is one ceremony for a folder, and a server begins none for a stranger", async () => {
  const { first, people, complete, dir } = await ceremony(1);
  const done = await apart(first, people[0]);
  const clock = new TestClock("2026-07-10T00:00:00Z");
  await expect(
    publishProposal({ dir: join(dir, "other"), keysDir: join(dir, "keys"), clock, proposal: done }),
  ).rejects.toMatchObject({ code: "CACHE" });
  await complete(done);
  await expect(complete(done)).rejects.toMatchObject({ code: "EXISTS" });
});

test.each([
  ["no signature at all", 0, [0, 1, 2]],
  ["more signatures than there are keys", 4, [0, 1, 2]],
  ["one key twice", 2, [0, 1, 0]],
])("a ceremony for %s is not begun", async (_what, threshold, whose) => {
  const keysDir = join(await temporaryFolder(), "keys");
  const people = [newSigner(), newSigner(), newSigner()];
  const keys = whose.flatMap((index) => people[index]?.key ?? []);
  const clock = new TestClock("2026-07-10T00:00:00Z");
  const options = { rootKeys: keys, targetsKeys: keys, threshold, keysDir, clock };
  await expect(proposeRepository(options)).rejects.toMatchObject({ code: "KEY" });
  await expect(stat(keysDir)).rejects.toMatchObject({ code: "ENOENT" });
});
