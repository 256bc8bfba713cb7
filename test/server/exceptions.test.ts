import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { proposeDelegation } from "#publish/delegate.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import { proposePolicy } from "#publish/propose-policy.ts";
import { openClient } from "#trust/client.ts";
import { sha256 } from "#trust/sha256.ts";
import { policyWith } from "../publish/office.ts";
import { emptyCatalog } from "../trust/repository.ts";
import { enrolled, folder } from "./harness.ts";
import { hosted, type Hosted } from "./hosted.ts";

interface Granting extends Hosted {
  /** The enrolled device's id. */
  readonly device: string;
  readonly grant: (asked: object, token?: string) => Promise<readonly unknown[]>;
  readonly withdraw: (query: string) => Promise<readonly unknown[]>;
  /** The exceptions that a device of the same shard sees. */
  readonly seen: () => Promise<unknown>;
}

async function told(answer: Response): Promise<readonly unknown[]> {
  const body = (await answer.json()) as { error?: { code: string } };
  return [answer.status, body.error?.code ?? body];
}

/** With a policy in force, and a device that is enrolled. */
async function granting(): Promise<Granting> {
  const place = await hosted();
  const { here, people, root } = place;
  const first = proposePolicy(
    { policy: policyWith("first"), catalog: emptyCatalog },
    await place.current(),
    here.clock.now(),
  );
  await place.push(first, ...people);
  const { identity } = await enrolled(here);
  const device: string = identity.id;
  const url = `${here.url}/api/v1/exceptions`;
  const client = openClient({
    dir: await folder(),
    url: `${here.url}/repo/`,
    bootstrap: root,
    clock: here.clock,
    groups: [],
    shard: sha256(device).slice(0, 2),
  });
  return {
    ...place,
    device,
    grant: async (asked, token = here.adminToken) =>
      told(
        await fetch(url, {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
          body: JSON.stringify({ ban: "anydesk", device, until: "2026-07-15T00:00:00Z", ...asked }),
        }),
      ),
    withdraw: async (query) =>
      told(await fetch(url + query, { method: "DELETE", headers: { authorization: `Bearer ${here.adminToken}` } })),
    seen: async () => {
      const { exceptions } = await client.refresh();
      return exceptions && JSON.parse(Buffer.from(exceptions).toString()).exceptions;
    },
  };
}

/** The policy's signers let the server grant. */
async function delegate({ here, people, push, current }: Hosted): Promise<void> {
  const key = newOnlineKey("exceptions");
  await key.save(here.paths.keys);
  const delegation = { role: "exceptions", keys: [key.key], threshold: 1 };
  await push(proposeDelegation(delegation, await current(), here.clock.now()), ...people);
}

test("an administrator grants an exception and takes it back, and the device sees both", async () => {
  const place = await granting();
  await delegate(place);
  const { device } = place;
  const [granted, until] = ["2026-07-10T00:00:00Z", "2026-07-15T00:00:00Z"];
  expect(await place.grant({})).toEqual([
    201,
    { ban: "anydesk", device, granted, until, released: expect.objectContaining({ targets: 3 }) },
  ]);
  expect(await place.seen()).toEqual([{ ban: "anydesk", device: sha256(device), granted, until }]);
  expect(await place.withdraw(`?ban=anydesk&device=${device}`)).toEqual([200, { withdrawn: 1 }]);
  expect(await place.seen()).toBeUndefined();
  expect(await place.withdraw(`?device=${device}`)).toEqual([400, "invalid"]);
});

test("nothing is granted that the policy does not allow, or for a device that nobody knows, or by anybody else", async () => {
  const place = await granting();
  expect(await place.grant({})).toEqual([400, "invalid"]); // nobody has let the server grant any
  await delegate(place);
  expect(await place.grant({}, "x".repeat(43))).toEqual([401, "admin-only"]);
  expect(await place.grant({}, place.here.enrolSecret)).toEqual([401, "admin-only"]);
  expect(await place.grant({ ban: "never" })).toEqual([400, "invalid"]);
  expect(await place.grant({ ban: "no-such-ban" })).toEqual([400, "invalid"]);
  expect(await place.grant({ until: "2026-07-21T00:00:00Z" })).toEqual([400, "invalid"]);
  expect(await place.grant({ until: "2026-07-09T00:00:00Z" })).toEqual([400, "invalid"]);
  expect(await place.grant({ until: "tomorrow" })).toEqual([400, "invalid"]);
  expect(await place.grant({ reason: "he asked" })).toEqual([400, "invalid"]);
  expect(await place.grant({ device: "0".repeat(64) })).toEqual([404, "no-device"]);
  expect(await place.withdraw("")).toEqual([400, "invalid"]);
  expect(await place.seen()).toBeUndefined();
});

test("a server that has lost its key for exceptions says that it could not, and what stands goes on", async () => {
  const place = await granting();
  await delegate(place);
  await place.grant({});
  await rm(join(place.here.paths.keys, "exceptions.pem"));
  expect(await place.grant({ until: "2026-07-16T00:00:00Z" })).toEqual([500, "failed"]);
  expect(await place.seen()).toMatchObject([{ until: "2026-07-15T00:00:00Z" }]);
});
