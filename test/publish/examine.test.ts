import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { formatInstant, instantOf } from "#lib/pure/instant.ts";
import { readRoles } from "#publish/current.ts";
import { examine, requireLife, requireNext } from "#publish/examine.ts";
import { onlineKeys } from "#publish/online-keys.ts";
import { groupRole } from "#publish/names.ts";
import { proposePolicy, targetsAfter } from "#publish/propose-policy.ts";
import { addSignature, fileIn, proposalOf, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { limits } from "#trust/limits.ts";
import { groupPath } from "#trust/parts.ts";
import { day, emptyCatalog } from "../trust/repository.ts";
import { groupPolicy, office, policyWith, type Office } from "./office.ts";

// A proposal comes from anywhere. Whoever signs one, and whoever publishes one, is held to what can be shown of it.

type Json = Record<string, unknown>;

async function policyProposal(place: Office): Promise<Proposal> {
  return proposePolicy({ policy: policyWith("second") }, await place.current(), place.clock.now());
}

function bent(proposal: Proposal, role: string, bend: (signed: Json) => Json): Proposal {
  const { signed = {}, signatures = [] } = roleIn(proposal, role) ?? {};
  const other = bend(structuredClone(signed));
  return { ...proposal, roles: { ...proposal.roles, [role]: { signatures, signed: other } } };
}

const inside = (signed: Json, name: string): Json => signed[name] as Json;

type Bend = (place: Office, good: Proposal) => Proposal | Promise<Proposal>;
const cases: readonly (readonly [what: string, code: string, words: string, bend: Bend])[] = [
  [
    "a member that this program does not know",
    "PROPOSAL",
    "more than this program knows",
    (_place, good) => bent(good, "targets", (signed) => ({ ...signed, x_more: 1 })),
  ],
  [
    "a file's member that nobody would be shown",
    "PROPOSAL",
    "more than this program knows",
    (_place, good) =>
      bent(good, "targets", (signed) => {
        Object.assign(inside(inside(signed, "targets"), "policy.json"), { custom: { run: "this" } });
        return signed;
      }),
  ],
  [
    "a file that no device asks for",
    "PROPOSAL",
    "nothing to say of run.sh",
    (_place, good) =>
      bent(good, "targets", (signed) => {
        inside(signed, "targets")["run.sh"] = inside(signed, "targets")["policy.json"];
        return signed;
      }),
  ],
  [
    "a department's file in everybody's role",
    "PROPOSAL",
    "nothing to say of groups/finance/policy.json",
    (_place, good) =>
      bent(good, "targets", (signed) => {
        inside(signed, "targets")["groups/finance/policy.json"] = inside(signed, "targets")["policy.json"];
        return signed;
      }),
  ],
  [
    "a file that nobody signed",
    "PROPOSAL",
    "stray.json, which nobody signed",
    (_place, good) => ({ ...good, files: { ...good.files, "stray.json": "" } }),
  ],
  [
    "a changed file that does not travel with it",
    "PROPOSAL",
    "policy.json is missing",
    (_place, good) => ({ ...good, files: {} }),
  ],
  [
    "another file than was signed",
    "MISMATCH",
    "policy.json",
    (_place, good) => ({ ...good, files: { "policy.json": gzipSync(policyWith("third")).toString("base64") } }),
  ],
  [
    "a life longer than a policy may have",
    "PROPOSAL",
    "at most 180 days",
    (place, good) =>
      bent(good, "targets", (signed) => ({ ...signed, expires: formatInstant(instantOf(place.clock.at + 182 * day)) })),
  ],
  [
    "a life that is over",
    "EXPIRED",
    "was good until",
    (place, good) => bent(good, "targets", (signed) => ({ ...signed, expires: formatInstant(place.clock.now()) })),
  ],
  [
    "a version that was left out",
    "VERSION",
    "version 4 of targets",
    (_place, good) => bent(good, "targets", (signed) => ({ ...signed, version: 4 })),
  ],
  [
    "the version that is in force",
    "VERSION",
    "make and sign it again",
    (_place, good) => bent(good, "targets", (signed) => ({ ...signed, version: 2 })),
  ],
  [
    "a department that nobody knows",
    "PROPOSAL",
    "nothing is delegated to group-x",
    (_place, good) => ({ ...good, roles: { "group-x": roleIn(good, "targets") ?? never() } }),
  ],
  [
    "a key under another's id",
    "PROPOSAL",
    "under another's id",
    async (place) => {
      const proposal = await place.rotation({ root: { add: [place.people.eve.key], remove: [] } });
      return bent(proposal, "root", (signed) => {
        inside(signed, "keys")[place.people.eve.keyid] = newSigner().key;
        return signed;
      });
    },
  ],
  [
    "one key under two names",
    "PROPOSAL",
    "lists one key twice",
    async (place) => {
      const raw = Buffer.from(place.people.eve.key.keyval.public, "hex");
      const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]).toString("base64");
      const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
      const twin = { ...place.people.eve.key, keyval: { public: pem } };
      return place.rotation({ root: { add: [place.people.eve.key, twin], remove: [] } });
    },
  ],
];

test.each(cases)("a proposal with %s is neither signed nor published: %s", async (_what, code, words, bend) => {
  const place = await office();
  const proposal = await bend(place, await policyProposal(place));
  const current = await place.current();
  const base = { root: current.set.root, current };
  const read = (): void => {
    const examined = examine(proposal, base);
    requireNext(examined, base);
    requireLife(examined, place.clock.now());
  };
  expect(read).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }));
  const { dir, keysDir, clock } = place;
  const pushed = publishProposal({ dir, keysDir, clock, proposal });
  await expect(pushed).rejects.toMatchObject({ code: expect.stringMatching(`^(${code}|SIGNATURE)$`) });
});

function never(): never {
  throw new Error("there is no such role");
}

test("a signature counts for the roles of its key alone, and as often as there are keys", async () => {
  const place = await office();
  const current = await place.current();
  const base = { root: current.set.root, current };
  const [snapshot = newSigner()] = await onlineKeys(place.keysDir, "snapshot");
  const proposal = await policyProposal(place);
  const standing = async (...signers: readonly Signer[]): Promise<unknown> => {
    let signed = proposal;
    for (const signer of signers) signed = await addSignature(signed, ["targets"], signer);
    const need = examine(signed, base).standing[0]?.needs[0];
    return [need?.signed.length, need?.met];
  };
  const { ann, bob } = place.people;
  expect(await standing()).toEqual([0, false]);
  expect(await standing(snapshot, newSigner())).toEqual([0, false]);
  expect(await standing(ann, ann, snapshot)).toEqual([1, false]);
  expect(await standing(ann, bob)).toEqual([2, true]);
});

test("nothing is published that names a file which is not there", async () => {
  const place = await office();
  const { ann, bob } = place.people;
  const targets = join(place.dir, "targets");
  for (const name of await readdir(targets)) if (name.endsWith(".catalog.json")) await rm(join(targets, name));
  const { dir, keysDir, clock } = place;
  const next = { policy: policyWith("second"), catalog: emptyCatalog };
  const current = { ...(await readRoles({ repo: dir, clock })), ...next, devices: undefined, groups: new Map() };
  let proposal = proposePolicy({ policy: policyWith("third") }, current, clock.now());
  for (const signer of [ann, bob]) proposal = await addSignature(proposal, ["targets"], signer);
  await expect(publishProposal({ dir, keysDir, clock, proposal })).rejects.toMatchObject({ code: "CACHE" });
});

test("what no device could enforce is not published, though enough have signed it", async () => {
  const place = await office();
  const { ann, bob } = place.people;
  for (const policy of ["not a policy", '{"name":"x","bans":[]}', '{"name":"x","bans":[{}]}'])
    await expect(place.policy({ policy: Buffer.from(policy) }, ann, bob)).rejects.toMatchObject({ code: "PROPOSAL" });
  const devices = Buffer.from('{"formatVersion":1,"groups":{"finance":{"devices":["ann\'s laptop"]}}}');
  await expect(place.policy({ devices }, ann, bob)).rejects.toMatchObject({ code: "PROPOSAL" });
  await expect(place.policy({ catalog: Buffer.from("[]") }, ann, bob)).rejects.toMatchObject({ code: "PROPOSAL" });
});

test.each([
  ["is not packed", Buffer.from('{"name":"x","bans":[]}'), "FORMAT"],
  ["unpacks to more than a device reads", gzipSync(Buffer.alloc(limits.group + 1, " ")), "LIMIT"],
  ["is no JSON", gzipSync("{"), "PROPOSAL"],
  ["loosens", gzipSync('{"name":"x","bans":[],"allow":["anydesk"]}'), "PROPOSAL"],
  ["speaks of another department", gzipSync(groupPolicy("sales", "x")), "PROPOSAL"],
])("a department's policy that %s is not published, though enough have signed it", async (_, packed, code) => {
  const place = await office();
  const { dee } = place.people;
  const role = groupRole("finance");
  await place.delegate(role, [dee]);
  const files = new Map([[groupPath("finance"), packed]]);
  const before = { version: 0, targets: new Map(), delegations: undefined };
  const proposal = proposalOf({ [role]: targetsAfter(role, before, files, place.clock.now()) }, files);
  await expect(place.push(proposal, dee)).rejects.toMatchObject({ code });
  expect((await place.current()).delegated.has(role)).toBe(false);
});

test("of two proposals on one version the second is refused, and says so", async () => {
  const place = await office();
  const { ann, bob, cho } = place.people;
  const [one, two] = [await policyProposal(place), await policyProposal(place)];
  await place.push(one, ann, bob);
  const current = await place.current();
  const base = { root: current.set.root, current };
  expect(() => requireNext(examine(two, base), base)).toThrow("make and sign it again");
  expect(fileIn(two, "policy.json")).toBeDefined();
  await expect(place.push(two, bob, cho)).rejects.toMatchObject({ code: "VERSION", seen: 3, wanted: 4 });
});
