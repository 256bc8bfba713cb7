import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { systemClock } from "#lib/clock.ts";
import { HttpClient } from "#lib/request.ts";
import { readRoles } from "#publish/current.ts";
import { describeBytes, fileOf, header, signed } from "#publish/metadata.ts";
import { publish } from "#publish/release.ts";
import { bytesOf } from "#publish/repository.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { deviceTarget } from "#trust/generation.ts";
import { MemoryStore } from "#trust/store.ts";
import { targetName, update } from "#trust/updater.ts";
import { serve } from "../lib/web.ts";
import { emptyCatalog, served, type Served } from "./repository.ts";
import { Simulator } from "./simulator.ts";

// Whatever the server does: a code that names it, what is enforced stays, and the next good answer is taken.

type Fault = (request: IncomingMessage, response: ServerResponse) => unknown;
const faults: readonly (readonly [what: string, fault: Fault, code: string | Record<string, string>])[] = [
  ["a redirect", (_q, a) => a.writeHead(302, { location: "/elsewhere" }).end(), "HTTP"],
  [
    "a page with status 200",
    (_q, a) => a.end("<html>Welcome to the hotel's network</html>"),
    {
      "/timestamp.json": "FORMAT",
      "/3.snapshot.json": "LIMIT|MISMATCH",
      "/3.targets.json": "LIMIT|MISMATCH",
      policy: "LIMIT|MISMATCH",
      "/2.root.json": "FORMAT",
    },
  ],
  ["a compressed answer", (_q, a) => a.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}")), "HTTP"],
  ["status 500", (_q, a) => a.writeHead(500).end("x".repeat(1_000_000)), "HTTP"],
  [
    "an announced length of a terabyte",
    (_q, a) => a.writeHead(200, { "content-length": "1000000000000" }).write("{"),
    "LIMIT",
  ],
  ["an endless answer", (_q, a) => endless(a), "LIMIT"],
  [
    "an answer that is cut off",
    (_q, a) => {
      a.writeHead(200, { "content-length": "50" });
      a.write("{", () => a.destroy());
    },
    "NETWORK",
  ],
  ["a closed connection", (q) => q.socket.destroy(), "NETWORK"],
  ["silence", () => undefined, "TIMEOUT"],
  ["a byte now and then", (_q, a) => void setInterval(() => a.write(" "), 20).unref(), "TIMEOUT"],
  [
    "a 304 that nobody asked for",
    (q, a) => {
      delete q.headers["if-none-match"];
      a.writeHead(304).end();
    },
    { "/timestamp.json": "", "": "HTTP" },
  ],
];
const places = ["/2.root.json", "/timestamp.json", "/3.snapshot.json", "/3.targets.json", "policy"];
const cases = faults.flatMap(([what, fault, code]) =>
  places.map((place) => ({
    what,
    fault,
    place,
    code: typeof code === "string" ? code : (code[place] ?? code[""] ?? ""),
  })),
);

test.each(cases)(
  "$what in the place of $place is survived",
  async ({ fault, place, code }) => {
    const repo = await served();
    await repo.publish("good");
    const client = await repo.client({ timeoutMs: code === "TIMEOUT" ? 400 : 15_000 });
    await client.activated(await client.refresh());
    await repo.publish("newer");
    const path = place === "policy" ? await policyPath(repo) : place;
    repo.answers.set(path, fault);
    const error: unknown = await client.refresh().then(
      () => "",
      (thrown: unknown) => thrown,
    );
    // A 304 on the timestamp is an answer to our ETag: nothing new.
    expect(error instanceof TrustError ? error.code : error).toMatch(new RegExp(`^(${code})$`));
    expect((await client.cached())?.version).toBe(2);
    repo.answers.delete(path);
    expect((await client.refresh()).version).toBe(3);
  },
  20_000,
);

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

function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, " ")));
  };
  response.on("drain", more);
  more();
}

async function policyPath(repo: Served): Promise<string> {
  const { set, targets } = await readRoles({ repo: repo.dir, clock: repo.clock });
  return `/targets/${targetName(set, deviceTarget(targets, "policy.json"))}`;
}

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
