import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "#trust/sha256.ts";
import { day, hour, policyOf } from "../trust/repository.ts";
import { groupPolicy, policyWith } from "../publish/office.ts";
import { desk, founded, place, type Desk } from "./desk.ts";

const device = sha256("a device");

/** All there is: a policy, a department, exceptions. */
async function house(): Promise<Desk> {
  const made = await founded();
  await writeFile(join(made.dir, "ban.json"), policyWith("first"));
  await writeFile(join(made.dir, "finance.json"), groupPolicy("finance", "money"));
  await made.does(
    "keys create dee",
    "keys create eve",
    "policy sign ban.json --repo server/repo --key ann.key --yes",
    "trust sign proposal.json --repo server/repo --key bob.key --yes",
    `policy push proposal.json ${place}`,
    "trust delegate group-finance --keys dee.pub --repo server/repo --key ann.key --yes",
    "trust sign proposal.json --repo server/repo --key bob.key --yes",
    `trust push proposal.json ${place}`,
    "policy sign finance.json --group finance --repo server/repo --key dee.key --yes",
    `policy push proposal.json ${place}`,
    `trust delegate exceptions ${place} --key ann.key --yes`,
    "trust sign proposal.json --repo server/repo --key bob.key --yes",
    `trust push proposal.json ${place}`,
    `trust grant anydesk --device ${device} --until 2026-07-12T00:00:00Z ${place}`,
  );
  return made;
}

test("with --dry-run each command says what would be, and leaves every file as it was", async () => {
  const { does, edict, files } = await house();
  await does("trust renew root --repo server/repo --key ann.key --yes --out half.json");
  await does("trust sign half.json --repo server/repo --key bob.key --yes --out whole.json");
  const before = await files();
  for (const [line, said] of [
    [
      "trust init other/repo --root-keys ann.pub,bob.pub --keys-dir other/keys --dry-run",
      "ceremony.json would be written",
    ],
    ["trust init other/repo --root-keys ann.key --keys-dir other/keys --dry-run", "a repository would be made"],
    ["policy sign ban.json --repo server/repo --dry-run", "--dry-run"],
    ["policy sign finance.json --group finance --repo server/repo --dry-run", "--dry-run"],
    ["trust sign half.json --repo server/repo --dry-run", "1 of the 2 signatures"],
    ["trust delegate group-research --keys dee.pub --repo server/repo --dry-run", "+ group-research is new"],
    [`trust rotate snapshot timestamp exceptions ${place} --dry-run`, "+ exceptions: key"],
    ["trust rotate root --remove $cho --add eve.pub --repo server/repo --dry-run", "- root: key"],
    ["trust renew targets --repo server/repo --dry-run", "targets version 5"],
    [`trust renew ${place} --dry-run`, "would be in force"],
    [`trust push whole.json ${place} --dry-run`, "root version 2 would be in force"],
    [`trust grant unsaid --device ${device} --until 2026-07-12T00:00:00Z ${place} --dry-run`, "would be free"],
    [`trust revoke anydesk --device ${device} ${place} --dry-run`, "would be withdrawn"],
  ] as const) {
    const { code, out, err } = await edict(line);
    expect([line, code, out + err]).toEqual([line, 0, expect.stringContaining(said)]);
    expect(await files()).toEqual(before);
  }
});

test("a ceremony's end can be tried before it is made", async () => {
  const { does, edict, files } = await desk();
  await does(
    "keys create ann",
    "trust init repo --root-keys ann.pub --keys-dir keys",
    "trust sign ceremony.json --key ann.key --yes",
  );
  const before = await files();
  expect(await edict("trust complete repo ceremony.json --dry-run")).toMatchObject({ code: 0 });
  expect(await files()).toEqual(before);
  expect(await edict("trust complete repo ceremony.json")).toMatchObject({
    code: 0,
    out: expect.stringContaining("One signature is enough"),
  });
  expect(await edict("trust complete repo ceremony.json")).toMatchObject({
    code: 1,
    err: expect.stringContaining("already"),
  });
});

test("who has nothing but a root signs what becomes of it, and nothing that cannot be shown", async () => {
  const { dir, does, edict } = await house();
  await copyFile(join(dir, "server/repo/1.root.json"), join(dir, "root.json"));
  await does("trust rotate targets --remove $bob --add eve.pub --repo server/repo");
  const apart = await edict("trust sign proposal.json --root root.json --key ann.key --yes");
  expect(apart).toMatchObject({ code: 0, err: expect.stringContaining("targets cannot be shown without --repo") });
  const { roles } = JSON.parse(await readFile(join(dir, "proposal.json"), "utf8"));
  expect([roles.root.signatures.length, roles.targets.signatures.length]).toEqual([1, 0]);
  await does(
    "trust sign proposal.json --repo server/repo --key ann.key --yes",
    "trust sign proposal.json --repo server/repo --key cho.key --yes",
    `trust push proposal.json ${place}`,
  );
  // The next one is not based on that root any more.
  await does("trust renew root --repo server/repo");
  expect(await edict("trust sign proposal.json --root root.json --key ann.key --yes")).toMatchObject({
    code: 6,
    err: expect.stringContaining("VERSION"),
  });
  expect(await edict("trust sign proposal.json --key ann.key --yes")).toMatchObject({ code: 6 });
});

test("a signer is shown every word, however long it is: nothing can be hidden behind a long reason", async () => {
  const { dir, edict } = await house();
  const policy = JSON.parse(policyWith("first").toString());
  const reasons = Object.fromEntries(["en", "de", "fr"].map((language) => [language, "word ".repeat(800)]));
  policy.bans[0] = { ...policy.bans[0], message: reasons, exceptions: { max: "P99D" } };
  await writeFile(join(dir, "ban.json"), JSON.stringify(policy));
  const { err } = await edict("policy sign ban.json --repo server/repo --dry-run");
  expect(err).toContain('exceptions {"max":"P10D"} → {"max":"P99D"}');
  expect(err.split("word").length).toBeGreaterThan(2400);
});

test("a proposal says whether it needs another signature", async () => {
  const { edict } = await house();
  const json = async (line: string): Promise<unknown> => JSON.parse((await edict(`${line} --yes --json`)).out);
  expect(await json("trust renew targets --repo server/repo --key ann.key")).toMatchObject({
    complete: false,
    roles: [{ role: "targets", version: 5, needs: [{ threshold: 2, signed: [expect.any(String)] }] }],
  });
  expect(await json("trust sign proposal.json --repo server/repo --key bob.key")).toMatchObject({ complete: true });
});

test("nobody signs what they may not, what nobody asked them to read, or what is behind", async () => {
  const { edict, does, files } = await house();
  await does("trust renew targets --repo server/repo");
  const before = await files();
  expect(await edict("trust sign proposal.json --repo server/repo --key dee.key --yes")).toMatchObject({
    code: 6,
    err: expect.stringContaining("may not sign targets"),
  });
  expect(await edict("trust sign proposal.json --repo server/repo --key ann.key")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--yes"),
  });
  // And nothing is made for what nobody said yes to.
  expect(await edict(`trust rotate snapshot timestamp exceptions ${place} --key ann.key`)).toMatchObject({ code: 2 });
  expect(await files()).toEqual(before);
  await does(
    "trust sign proposal.json --repo server/repo --key ann.key --yes --out ann.json",
    "trust sign proposal.json --repo server/repo --key cho.key --yes --out cho.json",
    `trust push ann.json cho.json ${place}`,
  );
  expect(await edict("trust sign proposal.json --repo server/repo --key bob.key --yes")).toMatchObject({
    code: 6,
    err: expect.stringContaining("make and sign it again"),
  });
});

const wrong = [
  ["trust sign proposal.json --repo server/repo", "--key is missing"],
  ["trust rotate root --repo server/repo", "say what changes"],
  [`trust rotate timestamp --add eve.pub ${place}`, "the server makes its own keys"],
  ["trust rotate root targets --add eve.pub --repo server/repo", "one role at a time"],
  ["trust rotate nobody --add eve.pub --repo server/repo", "there is no role nobody"],
  ["trust rotate timestamp --repo server/repo", "--keys-dir is missing"],
  ["trust rotate root --add eve.pub", "--repo DIR or --server URL is missing"],
  ["trust rotate root --add eve.pub --threshold two --repo server/repo", "--threshold two is not a number"],
  ["trust delegate group-finance --repo server/repo", "--keys is missing"],
  [`trust delegate exceptions --keys eve.pub ${place}`, "without --keys"],
  ["trust renew --repo server/repo", "--keys-dir is missing"],
  [`trust grant anydesk --device laptop --until 2026-07-12T00:00:00Z ${place}`, "64 hexadecimal digits"],
  [`trust grant anydesk --device ${device} --until tomorrow ${place}`, "no instant"],
  [`trust grant anydesk --device ${device} ${place}`, "--until is missing"],
  [`trust revoke ${place}`, "--all"],
  [`trust revoke anydesk ${place}`, "--all"],
  [`trust revoke anydesk --device ${device} --all ${place}`, "--all"],
  ["trust init other --root-keys ann.pub,bob.key", "key files of all"],
  ["trust init other", "--root-keys is missing"],
  ["keys show ann.pub --try", "signs nothing"],
  ["keys create fay --type rsa", "ed25519, ecdsa-p256"],
  ["policy sign finance.json --group Finance --repo server/repo --key dee.key --yes", "a group's name"],
  ["policy push half.json --server http://127.0.0.1:1 --dry-run", "--dry-run is for a folder"],
] as const;
const impossible = [
  ["trust renew exceptions --repo server/repo", "no role that people sign"],
  ["trust rotate root --remove 00 --repo server/repo", "is not one key of root"],
  [`trust rotate exceptions ${place}`, "nothing is delegated to exceptions"],
  ["trust delegate group-finance --remove --repo server/repo", "nothing is delegated to group-finance"],
  [`trust grant anydesk --device ${device} --until 2026-07-12T00:00:00Z ${place}`, "edict trust delegate exceptions"],
  [`trust revoke --all ${place}`, "edict trust delegate exceptions"],
  ["trust complete other ban.json", "not a proposal"],
  ["policy push half.json --repo nowhere --keys-dir server/keys", "nowhere is not a repository"],
  ["trust renew --repo nowhere --keys-dir server/keys", "nowhere is not a repository"],
] as const;
test("a command that is wrong, or cannot be done, ends with the code of the table and says why, and writes nothing", async () => {
  const { edict, does, dir, files } = await founded();
  await does("keys create eve", "trust renew root --repo server/repo --out half.json");
  await writeFile(join(dir, "finance.json"), groupPolicy("finance", "money"));
  await writeFile(join(dir, "ban.json"), policyOf("x"));
  const before = await files();
  for (const [code, table] of [
    [2, wrong],
    [1, impossible],
  ] as const)
    for (const [line, words] of table) {
      const said = await edict(line);
      expect([line, said.code, said.err]).toEqual([line, code, expect.stringContaining(words)]);
    }
  expect(await files()).toEqual(before);
});

test("the status ends with 1 when a role has less than half of its life left, and with 6 when one is over", async () => {
  const { edict, does, clock } = await house();
  const status = "trust status --repo server/repo";
  expect(await edict(status)).toMatchObject({ code: 0, out: expect.stringContaining("group-finance") });
  clock.add(37 * hour);
  expect(await edict(status)).toMatchObject({ code: 1, out: expect.stringContaining("LESS THAN HALF") });
  const { roles } = JSON.parse((await edict(`${status} --json`)).out);
  expect(roles).toContainEqual(
    expect.objectContaining({ role: "timestamp", daysLeft: 1, lifeDays: 3, lessThanHalf: true }),
  );
  expect(await edict(`${status} --prometheus`)).toMatchObject({
    code: 1,
    out: expect.stringContaining("edict_trust_verified 1\n"),
  });
  clock.add(2 * day);
  expect(await edict(status)).toMatchObject({ code: 6, out: expect.stringContaining("EXPIRED") });
  await does(`trust renew ${place}`);
  expect(await edict(status)).toMatchObject({ code: 0 });
});

test("a status that does not verify is one that a monitoring system hears of", async () => {
  const { edict, dir } = await founded();
  const timestamp = await readFile(join(dir, "server/repo/timestamp.json"), "utf8");
  await writeFile(join(dir, "server/repo/timestamp.json"), timestamp.replace(/"sig": "..../, '"sig": "0000'));
  expect(await edict("trust status --repo server/repo")).toMatchObject({
    code: 6,
    err: expect.stringContaining("SIGNATURE"),
  });
  expect(await edict("trust status --repo server/repo --prometheus")).toMatchObject({
    code: 6,
    out: expect.stringMatching(/edict_trust_verified 0\n$/),
  });
  expect(
    await edict("trust status --server http://127.0.0.1:1 --root server/repo/1.root.json --prometheus"),
  ).toMatchObject({ code: 5, out: expect.stringMatching(/edict_trust_verified 0\n$/) });
  expect(await edict("trust status --server http://127.0.0.1:1")).toMatchObject({ code: 2 });
});

test("a key's id is printed for two people to compare, whatever kind of file it is in", async () => {
  const { edict, does, dir } = await desk();
  await does("keys create ann --type ecdsa-p256");
  const id = (await edict("keys show ann.pub --id")).out;
  expect(id).toMatch(/^[0-9a-f]{64}\n$/);
  expect((await edict("keys show ann.key --id")).out).toBe(id);
  expect(await edict("keys show ann.key --try --public again.pub")).toMatchObject({
    code: 0,
    out: expect.stringContaining("it signs"),
  });
  expect(await readFile(join(dir, "again.pub"), "utf8")).toBe(await readFile(join(dir, "ann.pub"), "utf8"));
  expect(JSON.parse((await edict("keys show again.pub --json")).out)).toMatchObject({ keyid: id.trim() });
});
