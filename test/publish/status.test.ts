import { expect, test } from "vitest";
import { readRoles } from "#publish/current.ts";
import { newOnlineKey } from "#publish/online-keys.ts";
import { prometheus, statusOf, type RoleStatus } from "#publish/status.ts";
import { day, hour } from "../trust/repository.ts";
import { groupPolicy, office, type Office } from "./office.ts";

async function status({ url, root, clock }: Office): Promise<ReadonlyMap<string, RoleStatus>> {
  const roles = statusOf(await readRoles({ repo: url, root, clock }), clock.now());
  return new Map(roles.map((role) => [role.role, role]));
}

async function house(): Promise<Office> {
  const place = await office();
  await place.delegate("group-finance", [place.people.dee, place.people.eve], 2);
  await place.delegate("group-research", [place.people.dee]);
  await place.group("finance", groupPolicy("finance", "money"), place.people.dee, place.people.eve);
  const key = newOnlineKey("exceptions");
  await key.save(place.keysDir);
  await place.delegate("exceptions", [key]);
  return place;
}

test("from outside one sees every role, delegated ones too, with its keys and good signatures", async () => {
  const roles = await status(await house());
  expect([...roles.keys()]).toEqual([
    "root",
    "timestamp",
    "snapshot",
    "targets",
    "group-finance",
    "group-research",
    "exceptions",
  ]);
  expect(roles.get("root")).toMatchObject({ threshold: 2, signed: { version: 1, signatures: 2, half: false } });
  expect([...roles.values()].map(({ keyids }) => keyids.length)).toEqual([3, 1, 1, 3, 2, 1, 1]);
  expect(roles.get("group-finance")).toMatchObject({ threshold: 2, signed: { version: 1, signatures: 2 } });
  expect(roles.get("group-research")).toMatchObject({ threshold: 1, signed: undefined });
  expect(roles.get("exceptions")).toMatchObject({ lifeMs: 30 * day, signed: { version: 1, expired: false } });
});

test("each role is told when less than half of what it is signed for is left", async () => {
  const place = await house();
  const halves = async (): Promise<string[]> =>
    [...(await status(place)).values()].filter(({ signed }) => signed?.half).map(({ role }) => role);
  const begin = place.clock.at;
  for (const [after, wanted] of [
    [36 * hour, []],
    [37 * hour, ["timestamp"]],
    [8 * day, ["timestamp", "snapshot"]],
    [16 * day, ["timestamp", "snapshot", "exceptions"]],
    [91 * day, ["timestamp", "snapshot", "targets", "group-finance", "exceptions"]],
    [183 * day, ["root", "timestamp", "snapshot", "targets", "group-finance", "exceptions"]],
  ] as const) {
    place.clock.at = begin;
    place.clock.add(after);
    expect(await halves()).toEqual(wanted);
  }
  expect((await status(place)).get("timestamp")?.signed?.expired).toBe(true);
  expect((await status(place)).get("root")?.signed?.expired).toBe(false);
});

test("a monitoring system reads it as metrics, and that nothing verifies as one too", async () => {
  const place = await house();
  const text = prometheus([...(await status(place)).values()]);
  expect(text).toContain("# TYPE edict_trust_role_expires_seconds gauge\n");
  expect(text).toContain(`edict_trust_role_expires_seconds{role="root"} ${place.clock.at / 1000 + 365 * 86_400}\n`);
  expect(text).toContain('edict_trust_role_signatures{role="group-finance"} 2\n');
  expect(text).not.toContain('edict_trust_role_version{role="group-research"}');
  expect(text).toMatch(/^(# (HELP|TYPE) edict_trust_\w+ .+\n|edict_trust_\w+(\{role="[a-z-]+"\})? \d+\n)+$/);
  expect(prometheus(undefined)).toMatch(/edict_trust_verified 0\n$/);
  expect(prometheus([{ role: 'a"\\\n', keyids: ["k"], threshold: 1, signed: undefined, lifeMs: 0 }])).toContain(
    'edict_trust_role_keys{role="a\\"\\\\\\n"} 1\n',
  );
});
