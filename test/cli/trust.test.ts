import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { serve } from "../lib/web.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { emptyCatalog, policyOf } from "../trust/repository.ts";
import { edict, edictInTerminal } from "./run.ts";

const env = { EDICT_PASSPHRASE: "correct horse battery" };

/** A key, a repository and a signed proposal, all made by the commands. */
async function made(): Promise<string> {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "catalog"));
  await writeFile(join(dir, "policy.json"), policyOf("from the command line"));
  for (const line of [
    "keys create ann",
    "trust init repo --root-keys ann.key",
    "policy sign policy.json --repo repo --key ann.key --catalog catalog --yes",
  ])
    expect(await edict(line.split(" "), { cwd: dir, env })).toMatchObject({ code: 0 });
  return dir;
}

test("one signer makes a key, a repository and a policy in force, command by command", async () => {
  const dir = await made();
  expect((await stat(join(dir, "ann.key"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, "keys", "timestamp.pem"))).mode & 0o777).toBe(0o600);
  const push = await edict(["policy", "push", "proposal.json", "--repo", "repo", "--keys-dir", "keys"], { cwd: dir });
  expect(push).toMatchObject({ code: 0, out: expect.stringContaining("policy version 2 is in force") });
  const status = await edict(["trust", "status", "--repo", "repo", "--json"], { cwd: dir });
  expect(JSON.parse(status.out).roles).toMatchObject([
    { role: "root", version: 1, threshold: 1, keys: 1, signatures: 1, expired: false },
    { role: "timestamp", version: 2 },
    { role: "snapshot", version: 2 },
    { role: "targets", version: 2 },
  ]);
  // A second time it is no longer the next version.
  const again = await edict(["policy", "push", "proposal.json", "--repo", "repo", "--keys-dir", "keys"], { cwd: dir });
  expect(again).toMatchObject({ code: 6, err: expect.stringContaining("VERSION") });
});

test("a start with one key says that it is one", async () => {
  const dir = await temporaryFolder();
  await edict(["keys", "create", "ann"], { cwd: dir, env });
  const init = await edict(["trust", "init", "repo", "--root-keys", "ann.key"], { cwd: dir, env });
  expect(init.out).toContain("One signature is enough");
  const twice = await edict(["trust", "init", "repo", "--root-keys", "ann.key"], { cwd: dir, env });
  expect(twice).toMatchObject({ code: 1, err: expect.stringContaining("already") });
  const inside = await edict(["trust", "init", "r2", "--root-keys", "ann.key", "--keys-dir", "r2/keys"], {
    cwd: dir,
    env,
  });
  expect(inside).toMatchObject({ code: 2, err: expect.stringContaining("everybody can read") });
  const many = await edict(["trust", "init", "r3", "--root-keys", "ann.key", "--threshold", "2"], { cwd: dir, env });
  expect(many).toMatchObject({ code: 1, err: expect.stringContaining("fewer keys") });
});

test("a proposal is posted to the server as it is, and the answer printed without what could steer a terminal", async () => {
  const dir = await made();
  const bodies: string[] = [];
  const web = await serve((request, response) => {
    void request.toArray().then((parts) => {
      bodies.push(Buffer.concat(parts).toString());
      response.writeHead(bodies.length === 1 ? 200 : 409).end("taken \u001b[31mred");
    });
  });
  const good = await edict(["policy", "push", "proposal.json", "--server", web.url], { cwd: dir });
  expect(good).toMatchObject({ code: 0, out: "taken [31mred\n" });
  expect(bodies).toEqual([await readFile(join(dir, "proposal.json"), "utf8")]);
  expect(web.asked).toEqual(["POST /api/v1/proposals"]);
  expect(await edict(["policy", "push", "proposal.json", "--server", web.url], { cwd: dir })).toMatchObject({
    code: 5,
    err: expect.stringContaining("status 409"),
  });
});

test("a policy is signed against a server only with a root that one brings", async () => {
  const dir = await made();
  const web = await serve((request, response) => {
    readFile(join(dir, "repo", request.url ?? "")).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  const sign = [
    "policy",
    "sign",
    "policy.json",
    "--repo",
    web.url,
    "--key",
    "ann.key",
    "--catalog",
    "catalog",
    "--yes",
  ];
  expect(await edict(sign, { cwd: dir, env })).toMatchObject({ code: 2, err: expect.stringContaining("--root") });
  expect(await edict([...sign, "--root", "repo/1.root.json"], { cwd: dir, env })).toMatchObject({ code: 0 });
});

test("a passphrase typed in a terminal is not shown, and has to be the same twice", async () => {
  const dir = await temporaryFolder();
  const prompts = ["passphrase of the new key ann: ", "the same again: "] as const;
  const good = await edictInTerminal(
    ["keys", "create", "ann"],
    [
      [prompts[0], "typed secret"],
      [prompts[1], "typed secret"],
    ],
    dir,
  );
  expect(good).toMatchObject({ code: 0, out: expect.stringContaining("key id") });
  expect(good.out).not.toContain("typed secret");
  const bad = await edictInTerminal(
    ["keys", "create", "bob"],
    [
      ["bob: ", "typed secret"],
      [prompts[1], "other secret"],
    ],
    dir,
  );
  expect(bad).toMatchObject({ code: 2, out: expect.stringContaining("not the same") });
  const init = await edictInTerminal(
    ["trust", "init", "repo", "--root-keys", "ann.key"],
    [["ann.key: ", "typed secret"]],
    dir,
  );
  expect(init).toMatchObject({ code: 0 });
});

test("signing asks first, and nothing is signed where nobody says yes", async () => {
  const dir = await made();
  const sign = [
    "policy",
    "sign",
    "policy.json",
    "--repo",
    "repo",
    "--key",
    "ann.key",
    "--catalog",
    "catalog",
    "--out",
    "second.json",
  ];
  expect(await edict(sign, { cwd: dir, env })).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  expect(await edictInTerminal(sign, [["[y/N] ", "n"]], dir)).toMatchObject({ code: 1 });
  await expect(stat(join(dir, "second.json"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("before a policy is signed one reads what it would change, and what will hurt", async () => {
  const dir = await made();
  const push = ["policy", "push", "proposal.json", "--repo", "repo", "--keys-dir", "keys"];
  expect(await edict(push, { cwd: dir })).toMatchObject({ code: 0 });
  const ban = { id: "claude-code", tool: "claude-code", stages: [{ from: "2026-07-10T00:00:00Z", mode: "block" }] };
  await writeFile(join(dir, "policy.json"), JSON.stringify({ name: "from the command line", bans: [ban] }));
  const sign = ["policy", "sign", "policy.json", "--repo", "repo", "--key", "ann.key", "--yes"];
  const unknown = await edict(sign, { cwd: dir, env });
  expect(unknown.err).toContain("targets version 3, good until");
  expect(unknown.err).toMatch(/claude-code/);
  const shipped = fileURLToPath(new URL("../../policies/catalog", import.meta.url));
  const signed = await edict([...sign, "--catalog", shipped], { cwd: dir, env });
  expect(signed).toMatchObject({ code: 0, err: expect.stringMatching(/warning: bans\[0\].*reason/) });
  expect(await edict(push, { cwd: dir })).toMatchObject({ code: 0, out: expect.stringContaining("version 3") });
});

test("what is wrong is said with the place, and ends with the code of the table", async () => {
  const dir = await made();
  const wrong = { EDICT_PASSPHRASE: "wrong horse battery" };
  const sign = ["policy", "sign", "policy.json", "--repo", "repo", "--key", "ann.key", "--catalog", "catalog", "--yes"];
  expect(await edict(sign, { cwd: dir, env: wrong })).toMatchObject({
    code: 1,
    err: expect.stringContaining("passphrase is wrong"),
  });
  await writeFile(join(dir, "policy.json"), '{ "name": "x", "bans": [{ "id": "y" }] }');
  expect(await edict(sign, { cwd: dir, env })).toMatchObject({ code: 2, err: expect.stringContaining("bans[0]") });
  await writeFile(join(dir, "catalog.json"), emptyCatalog);
  expect(await edict(["policy", "push", "catalog.json", "--server", "http://127.0.0.1:1"], { cwd: dir })).toMatchObject(
    { code: 1 },
  );
  expect(
    await edict(["policy", "push", "proposal.json", "--server", "http://127.0.0.1:1"], { cwd: dir }),
  ).toMatchObject({ code: 5 });
  expect(
    await edict(["policy", "push", "proposal.json", "--server", "http://example.com"], { cwd: dir }),
  ).toMatchObject({ code: 5, err: expect.stringContaining("https") });
});
