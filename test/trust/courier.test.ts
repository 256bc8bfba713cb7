import { expect, onTestFinished, test } from "vitest";
import { selectPlatform } from "#platform/select.ts";
import { TrustError } from "#trust/error.ts";
import { Courier, type CourierProcess } from "#trust/courier.ts";
import { readFileSync } from "node:fs";
import { served, type Served } from "./repository.ts";

const { startCourier } = await selectPlatform();
if (startCourier === undefined) throw new Error("no courier on this system");
const start = startCourier;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: only root can start a courier as somebody else");

/** A client whose courier is a real process, and every one that was started. */
async function carried(repo: Served, change: Partial<Parameters<Served["client"]>[0]> = {}) {
  const started: ReturnType<typeof start>[] = [];
  const courier = (): CourierProcess => {
    const one = start();
    started.push(one);
    return one;
  };
  return { client: await repo.client({ courier, ...change }), started };
}

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "none",
    (error: unknown) => (error instanceof TrustError ? error.code : String(error)),
  );

test("a policy comes through the courier, and a look at which nothing is new is one request with an ETag", async () => {
  const repo = await served();
  await repo.publish("one");
  const { client } = await carried(repo);
  await client.activated(await client.refresh());
  await repo.publish("two");
  expect((await client.refresh()).version).toBe(3);
  await client.refresh();
  expect(repo.web.asked.at(-1)).toBe("GET /timestamp.json");
});

test.skipIf(!isRoot)(
  "the courier runs as a user that nobody is, without any capability or group, and whoever started it ends it",
  async () => {
    const repo = await served();
    const one = start();
    const errand = { metadataUrl: repo.web.url, targetsUrl: repo.web.url, ca: undefined, proxy: undefined };
    const courier = new Courier(() => one, errand, 60_000);
    onTestFinished(() => courier.close());
    await courier.fetcher(15_000, undefined).timestamp(10_000, undefined);
    const status = readFileSync(`/proc/${one.pid}/status`, "utf8");
    const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "";
    const uids = field("Uid").split("\t").map(Number);
    expect(uids.every((uid) => uid >= 1_900_000_000 && uid < 1_901_000_000)).toBe(true);
    expect([field("Groups").trim(), field("CapEff"), field("CapPrm")]).toEqual([
      "",
      "0000000000000000",
      "0000000000000000",
    ]);
    courier.close();
    await expect(one.ended).resolves.toBe("SIGKILL");
  },
);

test("when it has not been asked for a while it is ended, and started again for the next look", async () => {
  const repo = await served();
  await repo.publish("one");
  const { client, started } = await carried(repo);
  await client.activated(await client.refresh());
  await expect(started.at(-1)?.ended).resolves.toBe("SIGKILL");
  const before = started.length;
  await repo.publish("two");
  expect((await client.refresh()).version).toBe(3);
  expect(started.length).toBe(before + 1);
});

test("a courier that was killed is started again at the next look", async () => {
  const repo = await served();
  await repo.publish("one");
  const { client, started } = await carried(repo);
  await client.refresh();
  started[0]?.kill();
  await started[0]?.ended;
  await client.refresh();
  expect(started.length).toBe(2);
});

test("one that is killed while it fetches is an error with a code, and what is enforced stays", async () => {
  const repo = await served();
  await repo.publish("one");
  const { client, started } = await carried(repo);
  await client.activated(await client.refresh());
  repo.answers.set("/timestamp.json", () => started[0]?.kill());
  expect(await codeOf(client.refresh())).toBe("NETWORK");
  expect((await client.cached())?.version).toBe(2);
});

test.each([
  ["/timestamp.json", "{}", "FORMAT"],
  ["/timestamp.json", "<html>", "FORMAT"],
  ["/2.root.json", "[1]", "FORMAT"],
  ["/timestamp.json", " ".repeat(20_000), "LIMIT"],
])("what the courier cannot read at %s does not reach who enforces: %#", async (path, text, code) => {
  const repo = await served();
  await repo.publish("one");
  const { client } = await carried(repo);
  repo.answers.set(path, (_request, response) => void response.end(text));
  expect(await codeOf(client.refresh())).toBe(code);
});
