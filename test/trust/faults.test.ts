import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { systemClock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { selectPlatform } from "#platform/select.ts";
import { HttpClient } from "#lib/request.ts";
import { readRoles } from "#publish/current.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { publish } from "#publish/release.ts";
import { bytesOf } from "#publish/repository.ts";
import type { ClientOptions } from "#trust/client.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { MemoryStore } from "#trust/store.ts";
import { update } from "#trust/updater.ts";
import { serve } from "../lib/web.ts";
import { contents, grouped, type Watched } from "./device.ts";
import { codeOf, faults, type Fault } from "./hostile.ts";
import { emptyCatalog, served, type Served } from "./repository.ts";
import { Simulator } from "./simulator.ts";

// Whatever the server does: a code that names it, what is enforced stays, and the next good answer is taken.

const { startCourier } = await selectPlatform();
if (startCourier === undefined) throw new Error("no courier on this system");
/** Where a device meets a fault: whose file it is, of all that it fetches when everything has changed. */
const places: Readonly<Record<string, (repo: Watched) => string>> = {
  root: ({ sim }) => `${sim.root.version + 1}.root.json`,
  timestamp: () => "timestamp.json",
  snapshot: ({ sim }) => `${sim.snapshot.version}.snapshot.json`,
  targets: ({ sim }) => `${sim.targets.version}.targets.json`,
  "group-a": ({ sim }) => `${sim.role("group-a").version}.group-a.json`,
  exceptions: ({ sim }) => `${sim.role("exceptions").version}.exceptions.json`,
  "policy.json": ({ targetFile }) => targetFile("policy.json"),
  "groups/a/policy.json": ({ targetFile }) => targetFile("groups/a/policy.json"),
};
const following = { groups: ["a"], shard: "ab" };

interface Case {
  readonly fault: Fault;
  readonly place: string;
}

/** A device that meets one fault after the other: a row of what became of each, and of what should. */
async function meet(cases: readonly Case[], options: Partial<ClientOptions> = {}): Promise<readonly Met[]> {
  const repo = await grouped();
  const { sim, client, answers } = repo;
  const patient = await client({ ...following, ...options });
  const { dir } = patient;
  const hurried = await client({ ...following, ...options, dir, timeoutMs: 300 });
  await patient.activated(await patient.refresh());
  const rows: Met[] = [];
  for (const { fault, place } of cases) {
    const before = await patient.cached();
    const news = `after ${fault.what}`;
    sim.targets.targets.set("policy.json", gzipSync(JSON.stringify({ name: news })));
    sim.role("group-a").targets.set("groups/a/policy.json", gzipSync(news));
    repo.publish("targets", "group-a", "exceptions");
    const name = places[place]?.(repo) ?? "";
    answers.set(name, fault.answer);
    const device = fault.waits === true ? hurried : patient;
    const code = await codeFrom(device.refresh());
    const said = device.status().lastError?.code ?? "";
    const kept = await device.cached();
    answers.delete(name);
    const next = await patient.refresh();
    await patient.activated(next);
    const { policy, groups } = contents(next);
    const same = kept !== undefined && isDeepStrictEqual(contents(kept), before && contents(before));
    rows.push({
      what: `${fault.what}, ${place}`,
      code,
      said,
      same,
      next: [policy, groups],
      wanted: codeOf(fault, place),
    });
  }
  return rows;
}

interface Met {
  readonly what: string;
  readonly code: string;
  readonly said: string;
  /** What was in force before is what is in force. */
  readonly same: boolean;
  readonly next: readonly unknown[];
  readonly wanted: string;
}

function codeFrom(refresh: Promise<unknown>): Promise<string> {
  return refresh.then(
    () => "",
    (error: unknown) => (error instanceof TrustError ? error.code : describe(error)),
  );
}

/** The same rows, as they have to be. @param also a code that is as good */
function survived(rows: readonly Met[], also = ""): readonly object[] {
  return rows.map(({ what, wanted }) => {
    const code = expect.stringMatching(new RegExp(`^(${wanted})$${also}`));
    const news = `after ${what.slice(0, what.lastIndexOf(", "))}`;
    return { what, code, said: code, same: true, next: [news, { a: news }], wanted };
  });
}

test.each(Object.keys(places))(
  "whatever a server does in the place of %s has a code, leaves what is in force, and is over with the next good answer",
  async (place) => {
    const rows = await meet(faults.map((fault) => ({ fault, place })));
    expect(rows).toEqual(survived(rows));
    expect(rows).toHaveLength(faults.length);
  },
);

test("so it is through the courier, which reads metadata before anybody holds it to its length and hash", async () => {
  const names = Object.keys(places);
  const cases = faults.map((fault, i) => ({ fault, place: names[i % names.length] ?? "" }));
  const rows = await meet(cases, { courier: startCourier });
  expect(rows).toEqual(survived(rows, "|^FORMAT$"));
});

test("twenty slow roots cannot stretch the one deadline, and the next refresh goes on after the last of them", async () => {
  const sim = new Simulator(systemClock.now());
  const first = await sim.writeRoot();
  for (let i = 0; i < 20; i += 1) await sim.next("root").writeRoot();
  const files = await sim.files();
  const web = await serve((request, response) => {
    const bytes = files.get((request.url ?? "").slice(1));
    setTimeout(() => (bytes === undefined ? response.writeHead(404).end() : response.end(bytes)), 50);
  });
  const http = new HttpClient();
  onTestFinished(() => http.close());
  const store = new MemoryStore();
  const look = (): Promise<number> => {
    const fetcher = new HttpFetcher({ http, metadataUrl: web.url, targetsUrl: web.url, timeoutMs: 500 });
    return update({ fetcher, store, bootstrap: first, now: systemClock.now() }).then((u) => u.set.root.version);
  };
  await expect(look()).rejects.toMatchObject({ code: "TIMEOUT" });
  await expect.poll(look, { timeout: 10_000 }).toBe(21);
  expect(web.asked.filter((line) => line === "GET /2.root.json")).toHaveLength(1);
});

test("a signed policy that unpacks to more than it may is refused without being unpacked", async () => {
  const repo = await served();
  await repo.publish("good");
  const client = await repo.client();
  await client.activated(await client.refresh());
  await sneak(repo, gzipSync(Buffer.alloc(65 * 1024 * 1024)));
  await expect(client.refresh()).rejects.toMatchObject({ code: "LIMIT", file: "policy.json" });
  expect((await client.cached())?.version).toBe(2);
});

test("a signed policy that is no gzip is refused", async () => {
  const repo = await served();
  await repo.publish("good");
  const client = await repo.client();
  await sneak(repo, Buffer.from("{}"));
  await expect(client.refresh()).rejects.toMatchObject({ code: "FORMAT", file: "policy.json" });
});

test("the server itself publishes no such policy", async () => {
  const repo = await served();
  for (const policy of [Buffer.alloc(65 * 1024 * 1024), Buffer.from("not a policy")]) {
    const proposal = await signPolicy({
      repo: repo.dir,
      policy,
      catalog: emptyCatalog,
      key: repo.key,
      clock: repo.clock,
    });
    const { dir, keysDir, clock } = repo;
    await expect(publishProposal({ dir, keysDir, proposal, clock })).rejects.toMatchObject({
      code: expect.stringMatching("LIMIT|PROPOSAL"),
    });
  }
});

test("plain http is for this machine only", async () => {
  const repo = await served();
  const client = await repo.client({ url: "http://repository.example/" });
  await expect(client.refresh()).rejects.toMatchObject({ code: "HTTP", message: expect.stringContaining("https") });
});

/** Publishes what our own server would not. */
async function sneak(repo: Served, packed: Buffer): Promise<void> {
  const { set, targets } = await readRoles({ repo: repo.dir, clock: repo.clock });
  const old = targets.signed["targets"] as Record<string, unknown>;
  const [now, version] = [repo.clock.now(), targets.version + 1];
  const described = describeBytes(packed);
  const content = { ...header("targets", version, now), targets: { ...old, "policy.json": described } };
  const bytes = fileOf(await signed(content, [repo.key]));
  const before = bytesOf(set);
  const files = new Map([[`${described.hashes.sha256}.policy.json`, packed]]);
  const { dir, keysDir } = repo;
  await publish({ dir, keysDir, root: before.root, now, before, targets: { version, bytes }, files });
}
