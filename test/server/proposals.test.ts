import { expect, test } from "vitest";
import { readRepository, type Current } from "#publish/current.ts";
import { proposeDelegation } from "#publish/delegate.ts";
import { examine } from "#publish/examine.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import { proposeGroupPolicy, proposePolicy } from "#publish/propose-policy.ts";
import { proposeRepository } from "#publish/propose-root.ts";
import { proposalBytes, type Proposal } from "#publish/proposal-file.ts";
import { signProposal } from "#publish/proposal.ts";
import { initRepository } from "#publish/repository.ts";
import { proposeRotation } from "#publish/rotate.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { openClient } from "#trust/client.ts";
import { folder, server, type TestServer } from "./harness.ts";

const policy = Buffer.from(JSON.stringify({ name: "first", bans: [], allowEmpty: true }));
const catalog = Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] }));

/** A server with a repository of two signers of two, and whoever signs and pushes to it from outside. */
async function hosted(): Promise<{
  readonly here: TestServer;
  readonly people: readonly [Signer, Signer];
  readonly root: Uint8Array;
  readonly current: () => Promise<Current>;
  readonly push: (proposal: Proposal, ...signers: readonly Signer[]) => Promise<readonly unknown[]>;
}> {
  const here = await server();
  const people = [newSigner(), newSigner("ecdsa-p256")] as const;
  const { repo: dir, keys: keysDir } = here.paths;
  const signers = { key: people[0], rootSigners: people, targetsSigners: people, threshold: 2 };
  const { root } = await initRepository({ dir, keysDir, clock: here.clock, ...signers });
  const current = (): Promise<Current> => readRepository({ repo: `${here.url}/repo/`, root, clock: here.clock });
  return {
    here,
    people,
    root,
    current,
    push: async (proposal, ...others) => {
      const now = await current();
      let done = proposal;
      for (const signer of others)
        done = await signProposal(examine(done, { root: now.set.root, current: now }), signer);
      const body = new Uint8Array(proposalBytes(done));
      const answer = await fetch(`${here.url}/api/v1/proposals`, { method: "POST", body });
      const told = (await answer.json()) as { error?: { code: string } };
      return [answer.status, told.error?.code ?? told];
    },
  };
}

test("a server publishes whatever enough have signed: policies, departments, keys of its own and of people", async () => {
  const { here, people, push, current, root } = await hosted();
  const { clock } = here;
  const [dee, eve] = [newSigner(), newSigner()];
  const now = clock.now();
  const client = openClient({
    dir: await folder(),
    url: `${here.url}/repo/`,
    bootstrap: root,
    clock,
    groups: ["finance"],
    shard: undefined,
  });
  expect(await push(proposePolicy({ policy, catalog }, await current(), now), ...people)).toMatchObject([
    200,
    { targets: 2 },
  ]);
  await client.activated(await client.refresh());
  const delegation = { role: "group-finance", keys: [dee.key], threshold: 1 };
  expect(await push(proposeDelegation(delegation, await current(), now), ...people)).toMatchObject([
    200,
    { targets: 3 },
  ]);
  const money = Buffer.from(JSON.stringify({ name: "money", bans: [] }));
  expect(await push(proposeGroupPolicy("finance", money, await current(), now), dee)).toMatchObject([200, {}]);
  expect((await client.refresh()).groups.get("finance")?.toString()).toBe(money.toString());

  const key = newOnlineKey("timestamp");
  await key.save(here.paths.keys);
  const remove = (await current()).set.root.roles.timestamp.keyids;
  const changes = new Map([
    ["timestamp", { add: [key.key], remove, threshold: 1 }],
    ["root", { add: [eve.key], remove: [] }],
  ]);
  const rotation = { current: await current(), now, changes, begin: () => Promise.resolve(undefined) };
  expect(await push(await proposeRotation(rotation), ...people)).toMatchObject([200, { root: 2 }]);
  expect((await client.refresh()).version).toBe(3);
  client.close();
});

test("a server is as strict as a device, and makes no root of its own for a stranger", async () => {
  const { here, people, push, current } = await hosted();
  const now = here.clock.now();
  const next = proposePolicy({ policy, catalog }, await current(), now);
  expect(await push(next, people[0])).toEqual([422, "untrusted"]);
  expect(await push(next)).toEqual([422, "untrusted"]);
  const broken = proposePolicy({ policy: Buffer.from("{}"), catalog }, await current(), now);
  expect(await push(broken, ...people)).toEqual([400, "invalid"]);
  const keys = [newSigner().key];
  const options = { rootKeys: keys, targetsKeys: keys, threshold: 1, keysDir: await folder(), clock: here.clock };
  expect(await push(await proposeRepository(options))).toEqual([422, "untrusted"]);
  expect((await current()).targets.version).toBe(1);
});
