import { expect, test } from "vitest";
import { proposeDelegation } from "#publish/delegate.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import { proposeGroupPolicy, proposePolicy } from "#publish/propose-policy.ts";
import { proposeRepository } from "#publish/propose-root.ts";
import { proposeRotation } from "#publish/rotate.ts";
import { newSigner } from "#publish/signer.ts";
import { openClient } from "#trust/client.ts";
import { folder } from "./harness.ts";
import { hosted } from "./hosted.ts";

const policy = Buffer.from(JSON.stringify({ name: "first", bans: [], allowEmpty: true }));
const catalog = Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] }));

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
