import { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { selectPlatform } from "#platform/select.ts";
import { Courier, type CourierProcess } from "#trust/courier.ts";
import { TrustError } from "#trust/error.ts";
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

/** A courier that says this to its first request. */
function saying(answer: (id: number) => string | Buffer): { readonly start: () => CourierProcess; killed: number } {
  const made = {
    killed: 0,
    start: (): CourierProcess => {
      const ended = Promise.withResolvers<string>();
      const control: Duplex = new Duplex({
        read: () => undefined,
        write(chunk: Buffer, _encoding, done) {
          const asked = chunk
            .toString()
            .split("\n")
            .find((line) => line.includes('"id"'));
          if (asked !== undefined) control.push(answer((JSON.parse(asked) as { id: number }).id));
          done();
        },
      });
      const kill = (): void => {
        made.killed += 1;
        ended.resolve("SIGKILL");
      };
      return { control, ended: ended.promise, kill };
    },
  };
  return made;
}

test.each<[string, (id: number) => string | Buffer]>([
  ["more bytes than were asked for", (id) => `{"id":${id},"length":101}\n`],
  ["bytes for a request that was never made", () => '{"id":99,"length":1}\n'],
  ["no JSON", () => "hello\n"],
  ["a line without an end", () => "x".repeat(70_000)],
  ["a code that is none of its own", (id) => `{"id":${id},"error":{"code":"SIGNATURE","message":"m"}}\n`],
  ["a negative length", (id) => `{"id":${id},"length":-1}\n`],
])("a courier that says %s is killed", async (_what, answer) => {
  const hostile = saying(answer);
  const courier = new Courier(hostile.start, { metadataUrl: "", targetsUrl: "", ca: undefined, proxy: undefined });
  onTestFinished(() => courier.close());
  expect(await codeOf(courier.fetcher(5_000, undefined).metadata("1.root.json", 100))).toBe("NETWORK");
  expect(hostile.killed).toBe(1);
});

test("one that never answers is killed when its time is over, and who gives up need not wait for that", async () => {
  const silent = saying(() => "");
  const courier = new Courier(silent.start, { metadataUrl: "", targetsUrl: "", ca: undefined, proxy: undefined });
  onTestFinished(() => courier.close());
  const stop = new AbortController();
  const given = courier.fetcher(60_000, stop.signal).metadata("1.root.json", 100);
  stop.abort();
  expect(await codeOf(given)).toBe("NETWORK");
  expect(await codeOf(courier.fetcher(50, undefined).metadata("1.root.json", 100))).toBe("TIMEOUT");
  expect(silent.killed).toBe(1);
});

test("answers that come in pieces, several at once and out of order are put together", async () => {
  const pieces = saying((id) =>
    id === 2
      ? Buffer.concat([Buffer.from('{"id":2,"length":3}\nabc{"id":1,"length":2,"etag":"e"}\nx'), Buffer.from("y")])
      : "",
  );
  const courier = new Courier(pieces.start, { metadataUrl: "", targetsUrl: "", ca: undefined, proxy: undefined });
  onTestFinished(() => courier.close());
  const fetcher = courier.fetcher(5_000, undefined);
  const [first, second] = [fetcher.timestamp(10, undefined), fetcher.target("t", 3)];
  expect(await second).toEqual(Buffer.from("abc"));
  expect(await first).toEqual({ bytes: Buffer.from("xy"), etag: "e" });
});

test("one is kept from request to request, and for its time after the last answer", async () => {
  let started = 0;
  const kept = saying((id) => `{"id":${id},"is":"absent"}\n`);
  const counted = (): CourierProcess => {
    started += 1;
    return kept.start();
  };
  const courier = new Courier(counted, { metadataUrl: "", targetsUrl: "", ca: undefined, proxy: undefined }, 60_000);
  const fetcher = courier.fetcher(5_000, undefined);
  for (let i = 0; i < 3; i += 1) expect(await fetcher.metadata("1.root.json", 10)).toBe(undefined);
  expect([started, kept.killed]).toEqual([1, 0]);
  courier.close();
  expect(kept.killed).toBe(1);
});
