import { fork, spawn } from "node:child_process";
import { on, once } from "node:events";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { readRepository } from "#publish/current.ts";
import { proposeDelegation } from "#publish/delegate.ts";
import { grantException } from "#publish/exceptions.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import { proposePolicy } from "#publish/propose-policy.ts";
import { proposalBytes, type Proposal } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";
import { resignTimestamp, type Repository } from "#publish/repository.ts";
import { sha256 } from "#trust/sha256.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";
import { day } from "../trust/repository.ts";
import { inLanes, stopAt } from "../trust/stopped.ts";
import { groupPolicy, office, policyWith, type Office } from "./office.ts";

// A publication is stopped before each change that it makes to a disk, and in the middle of each write. What lies there then is
// what a reader at that instant sees, and what is left where the process is killed.

const step = fileURLToPath(new URL("step.mjs", import.meta.url));
const program = fileURLToPath(new URL("writer.ts", import.meta.url));
const device = sha256("a device");

async function house(): Promise<Office> {
  const place = await office();
  const { dee } = place.people;
  await place.delegate("group-finance", [dee]);
  await place.group("finance", groupPolicy("finance", "money"), dee);
  const key = newOnlineKey("exceptions");
  await key.save(place.keysDir);
  await place.delegate("exceptions", [key]);
  await grantException({ ...place, ban: "anydesk", device, until: instantOf(place.clock.at + day) });
  return place;
}

type Change = (place: Office) => Promise<Proposal>;

/** Another policy signer: a root, and with it what the former one had signed. */
const another: Change = async ({ people, ...place }) => {
  const { ann, bob, cho, eve } = people;
  const proposal = await place.rotation({ targets: { add: [eve.key], remove: [bob.keyid] } });
  return place.signed(proposal, ann, cho);
};

const changes: readonly (readonly [string, Change])[] = [
  [
    "a policy",
    async ({ people, ...place }) => {
      const next = proposePolicy({ policy: policyWith("second") }, await place.current(), place.clock.now());
      return place.signed(next, people.ann, people.cho);
    },
  ],
  [
    "a new department",
    async ({ people, ...place }) => {
      const delegation = { role: "group-research", keys: [people.eve.key], threshold: 1 };
      const next = proposeDelegation(delegation, await place.current(), place.clock.now());
      return place.signed(next, people.ann, people.cho);
    },
  ],
  [
    "a department's other key",
    async ({ people, ...place }) => {
      const { ann, cho, dee, eve } = people;
      const change = { "group-finance": { add: [eve.key], remove: [dee.keyid] } };
      return place.signed(await place.rotation(change), ann, cho, eve);
    },
  ],
  [
    "new keys for everything that is the server's",
    async ({ people, ...place }) => {
      const proposal = await place.rotation(await place.onlineChanges("snapshot", "timestamp", "exceptions"));
      return place.signed(proposal, people.ann, people.cho);
    },
  ],
  ["another policy signer", another],
];

test.each(changes)(
  "while %s is published, every reader at any instant sees a whole, and nothing stays half done",
  async (_what, change) => {
    const place = await house();
    const proposal = await change(place);
    const before = await seen(place);
    const old = await place.client({ groups: ["finance"], shard: sha256(device).slice(0, 2) });
    await old.refresh();
    const looks: string[] = [];
    await stepped(place, proposal, async (op) => {
      looks.push((await old.refresh()).id, await seen(place));
      // Nothing becomes another thing but by these.
      if (["rename", "unlink", "rm"].includes(op)) await repaired(place, proposal);
    });
    const after = await seen(place);
    expect(new Set([...looks, after])).toEqual(new Set([before, after]));
    expect(looks.length).toBeGreaterThan(20);
  },
  240_000,
);

const lacks = lacking("gcc", "libc6-dev");
test.skipIf(lacks !== undefined)(
  "a writer that is killed at whichever system call leaves what devices accept, and the next one goes on",
  async () => {
    const place = await house();
    const proposal = await another(place);
    const base = await temporaryFolder();
    const file = join(base, "proposal.json");
    await writeFile(file, proposalBytes(proposal));
    /** The number of system calls that change a disk, and whether the writer was killed at this one. */
    const killedAt = async (at: number, copy: string): Promise<{ readonly exit: number; readonly calls: number }> => {
      await cp(place.dir, join(copy, "repo"), { recursive: true });
      await cp(place.keysDir, join(copy, "keys"), { recursive: true });
      const log = join(base, `calls-${at}`);
      const writer = [process.execPath, program, join(copy, "repo"), join(copy, "keys"), file, String(place.clock)];
      const child = spawn(stopAt(base), ["kill", String(at), copy, log, ...writer], { stdio: "inherit" });
      const [exit] = (await once(child, "close")) as [number];
      return { exit, calls: (await readFile(log, "utf8")).trim().split("\n").length };
    };
    const { exit, calls } = await killedAt(1_000_000, await temporaryFolder());
    expect(exit).toBe(0);
    expect(calls).toBeGreaterThan(30);
    const versions: number[] = [];
    await inLanes([...Array(calls).keys()], 3, async (at) => {
      const copy = await temporaryFolder();
      expect(await killedAt(at, copy)).toEqual({ exit: 137, calls: at + 1 });
      const where = { dir: join(copy, "repo"), keysDir: join(copy, "keys"), clock: place.clock };
      versions[at] = (await readRepository({ repo: where.dir, clock: place.clock })).set.root.version;
      await resignTimestamp(where);
      await publishedOrInForce(where, proposal);
      expect(await readdir(where.dir)).not.toContain(".release");
      await rm(copy, { recursive: true });
    });
    expect(new Set(versions)).toEqual(new Set([1, 2]));
  },
  240_000,
);

test.each([
  ["cut off", '{"format":"edict-release","formatVer'],
  [
    "of somebody who would write elsewhere",
    '{"format":"edict-release","formatVersion":1,"files":[["../keys/timestamp.pem",""]]}',
  ],
])("a note of what is to be written that is %s is no reason to write anything, nor to stop", async (_what, note) => {
  const place = await office();
  await writeFile(join(place.dir, ".release"), note);
  const before = await seen(place);
  await resignTimestamp(place);
  expect(await seen(place)).toBe(before);
  await expect(readFile(join(place.dir, ".release"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("where the old keys no longer suffice, whoever looks in between keeps what they have, and looks again", async () => {
  const { people, ...place } = await house();
  const { ann, bob, cho, dee, eve } = people;
  const change = { add: [dee.key, eve.key], remove: [bob.keyid, cho.keyid] };
  const proposal = await place.signed(await place.rotation({ targets: change }), ann, cho, dee);
  // Cho's signature would carry those who do not know the new root; without it there is an instant in which nothing does.
  const without = { ...proposal, roles: withoutSignature(proposal, cho.keyid) };
  const gaps: unknown[] = [];
  const old = await place.client();
  const { id } = await old.refresh();
  await stepped({ people, ...place }, without, async () => {
    const look = await old.refresh().then(
      (generation) => generation.id,
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    if (look !== id) gaps.push(look);
  });
  const after = await old.refresh();
  expect(after.version).toBe(5);
  expect(new Set(gaps)).toEqual(new Set(["SIGNATURE", after.id]));
});

function withoutSignature({ roles }: Proposal, keyid: string): Proposal["roles"] {
  const { targets, ...others } = roles;
  if (targets === undefined) throw new Error("no targets are in it");
  return { ...others, targets: { ...targets, signatures: targets.signatures.filter((one) => one.keyid !== keyid) } };
}

/** What a new device sees. */
async function seen(place: Office): Promise<string> {
  return (await (await place.client({ groups: ["finance"], shard: sha256(device).slice(0, 2) })).refresh()).id;
}

/** Publishes in another process, which waits before each change. */
async function stepped(place: Office, proposal: Proposal, at: (op: string) => Promise<void>): Promise<void> {
  const file = join(await temporaryFolder(), "proposal.json");
  await writeFile(file, proposalBytes(proposal));
  const args = [place.dir, place.keysDir, file, String(place.clock)];
  const child = fork(program, args, { execArgv: ["--import", step], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ended = once(child, "close").then(([code]) => expect(code).toBe(0));
  const over = new AbortController();
  void ended.finally(() => over.abort());
  try {
    for await (const [op] of on(child, "message", { signal: over.signal })) {
      await at(String(op));
      child.send("go");
    }
  } catch (error) {
    if (!over.signal.aborted) {
      child.kill("SIGKILL");
      throw error;
    }
  }
  await ended;
}

/** A copy of what a writer that dies here leaves: the next one makes it whole, and the proposal is in force, or can be. */
async function repaired({ dir, keysDir, clock }: Office, proposal: Proposal): Promise<void> {
  const copy = await temporaryFolder();
  const [repo, keys] = [join(copy, "repo"), join(copy, "keys")];
  await cp(dir, repo, { recursive: true });
  await cp(keysDir, keys, { recursive: true });
  await rm(join(repo, ".lock"), { force: true }); // its holder lives in this test, and would not where it was killed
  const where = { dir: repo, keysDir: keys, clock };
  await resignTimestamp(where);
  await publishedOrInForce(where, proposal);
  await rm(copy, { recursive: true });
}

async function publishedOrInForce(where: Repository, proposal: Proposal): Promise<void> {
  const again = await publishProposal({ ...where, proposal }).then(
    () => "published",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );
  expect(again).toMatch(/^(published|VERSION)$/);
  const { set } = await readRepository({ repo: where.dir, clock: where.clock });
  for (const [role, file] of Object.entries(proposal.roles)) {
    const version = role === "root" ? set.root.version : (set.delegated(role) ?? set.targets)?.version;
    expect([role, version]).toEqual([role, file.signed["version"]]);
  }
}
