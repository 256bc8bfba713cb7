import { expect, onTestFinished, test, vi } from "vitest";
import { Courier } from "#trust/courier.ts";
import { errand, failed, line, saying, type Said } from "./saying.ts";

// What is asked of a courier, and what is made of whatever it says; it is a stream here.

test("a courier is told its errand once, and then each request, by a number of its own", async () => {
  const time = vi.spyOn(performance, "now").mockReturnValue(1_000.5);
  onTestFinished(() => time.mockRestore());
  const { courier, told, processes } = saying(
    (id, { what }) => line({ id, length: 2, ...(what === "timestamp" && { etag: '"2"' }) }) + "{}",
  );
  expect(processes).toEqual([]);
  const fetcher = courier.fetcher(5_000, undefined);
  expect(String(await fetcher.metadata("1.root.json", 100))).toBe("{}");
  time.mockReturnValue(1_001);
  expect(await fetcher.timestamp(2, '"1"')).toEqual({ bytes: Buffer.from("{}"), etag: '"2"' });
  expect(String(await fetcher.target("a/b.json", 32_768))).toBe("{}");
  expect(told.map((text) => JSON.parse(text))).toEqual([
    { metadataUrl: errand.metadataUrl, targetsUrl: errand.targetsUrl, proxy: errand.proxy },
    { id: 1, what: "metadata", name: "1.root.json", bytes: 100, timeoutMs: 5_000 },
    { id: 2, what: "timestamp", name: "timestamp.json", bytes: 2, etag: '"1"', timeoutMs: 5_000 },
    { id: 3, what: "target", name: "a/b.json", bytes: 32_768, timeoutMs: 6_000 },
  ]);
  time.mockReturnValue(8_000);
  await expect(fetcher.metadata("2.root.json", 100)).rejects.toMatchObject({ code: "TIMEOUT", file: "2.root.json" });
  expect([processes.length, processes[0]?.killed]).toEqual([1, 0]);
});

const none = (file: string, seen: string): object => ({
  ...failed(`${file}: the server has none`, "HTTP"),
  file,
  seen,
});

test("what the server does not have, or has unchanged, is an answer only where that was asked", async () => {
  const absent = saying((id) => line({ id, is: "absent" })).courier.fetcher(5_000, undefined);
  expect(await absent.metadata("2.root.json", 1)).toBeUndefined();
  await expect(absent.timestamp(1, '"1"')).rejects.toMatchObject(none("timestamp.json", "absent"));
  await expect(absent.target("x", 1)).rejects.toMatchObject(none("x", "absent"));
  const unchanged = saying((id) => line({ id, is: "unchanged" })).courier.fetcher(5_000, undefined);
  expect(await unchanged.timestamp(1, '"1"')).toBe("unchanged");
  await expect(unchanged.timestamp(1, undefined)).rejects.toMatchObject(none("timestamp.json", "unchanged"));
  await expect(unchanged.metadata("2.root.json", 1)).rejects.toMatchObject(none("2.root.json", "unchanged"));
  await expect(unchanged.target("x", 1)).rejects.toMatchObject(none("x", "unchanged"));
});

test("a courier's error is its error, and it goes on", async () => {
  const { courier, processes } = saying((id) => line({ id, error: { code: "LIMIT", message: "too long" } }));
  const fetcher = courier.fetcher(5_000, undefined);
  for (let i = 0; i < 2; i += 1)
    await expect(fetcher.metadata("1.root.json", 1)).rejects.toMatchObject(failed("too long", "LIMIT"));
  expect([processes.length, processes[0]?.killed]).toEqual([1, 0]);
});

test.each<[what: string, said: (id: number) => string, why: string]>([
  ["more bytes than were asked for", (id) => line({ id, length: 101 }), "101 bytes that nobody asked for"],
  ["a byte for a request that was never made", () => line({ id: 99, length: 0 }), "0 bytes that nobody asked for"],
  ["no JSON", () => "hello\n", "this is not JSON"],
  ["a line without an end", () => "x".repeat(64 * 1024 + 1), "a line without an end"],
  [
    "a code that is none of its own",
    (id) => line({ id, error: { code: "SIGNATURE", message: "m" } }),
    "code is none of",
  ],
  ["a negative length", (id) => line({ id, length: -1 }), "length is not an integer"],
])("a courier that says %s is killed", async (_what, said, why) => {
  const { courier, processes } = saying(said);
  await expect(courier.fetcher(5_000, undefined).metadata("1.root.json", 100)).rejects.toMatchObject({
    ...failed("what fetches says what it should not"),
    cause: expect.objectContaining({ message: expect.stringContaining(why) }),
  });
  expect([processes[0]?.killed, processes[0]?.control.destroyed]).toEqual([1, true]);
});

test("as many bytes as were asked for, and an answer to nobody, are no reason to kill it", async () => {
  const { courier, processes } = saying(
    (id) => line({ id: 99, is: "absent" }) + line({ id, length: 100 }) + "x".repeat(100),
  );
  expect((await courier.fetcher(5_000, undefined).metadata("1.root.json", 100))?.length).toBe(100);
  expect(processes[0]?.killed).toBe(0);
});

test("a line may be as long as it may be, in whatever pieces it comes", async () => {
  const { courier, processes } = saying((id) => {
    const room = 64 * 1024 + 1 - line({ id, length: 1, etag: "" }).length;
    const text = line({ id, length: 1, etag: "x".repeat(room) });
    queueMicrotask(() => {
      for (const piece of [text.slice(0, 30_000), text.slice(30_000, -1), "\n", "y"]) processes[0]?.control.push(piece);
    });
    return undefined;
  });
  expect(await courier.fetcher(5_000, undefined).timestamp(1, undefined)).toMatchObject({ bytes: Buffer.from("y") });
});

test("answers that come in pieces, several at once and out of order are put together", async () => {
  const all = `{"id":2,"length":3}\nabc{"id":1,"length":2,"etag":"e"}\nxy{"id":3,"length":0}\n`;
  for (const size of [1, 2, 7, 1_000]) {
    const { courier, processes } = saying(() => undefined);
    const fetcher = courier.fetcher(5_000, undefined);
    const [first, second, third] = [fetcher.timestamp(10, undefined), fetcher.target("t", 3), fetcher.target("u", 0)];
    for (let at = 0; at < all.length; at += size) processes[0]?.control.push(all.slice(at, at + size));
    expect(String(await second)).toBe("abc");
    expect(await first).toEqual({ bytes: Buffer.from("xy"), etag: "e" });
    expect((await third).length).toBe(0);
  }
});

test("one that ends is started again for the next request, and what the old one still says is nobody's", async () => {
  const { courier, processes, told } = saying((_id, { name }) =>
    name === "slow" ? undefined : line({ id: 2, length: 1 }) + "b",
  );
  const fetcher = courier.fetcher(5_000, undefined);
  const slow = fetcher.metadata("slow", 1);
  processes[0]?.end("SIGKILL");
  await expect(slow).rejects.toMatchObject(failed("what fetches has ended: SIGKILL"));
  expect(processes[0]?.control.destroyed).toBe(true);
  expect(String(await fetcher.metadata("quick", 1))).toBe("b");
  expect([processes.length, told.filter((text) => text.includes("metadataUrl")).length]).toEqual([2, 2]);
  processes[0]?.end("again");
  expect(processes[1]?.killed).toBe(0);
});

test.each<[what: string, first: Said]>([
  ["was answered", '{"id":1,"length":1}\na'],
  ["was asked of one that was killed", "nonsense\n"],
])("bytes for a request that %s are nobody's, and reason enough", async (_what, first) => {
  const { courier, processes } = saying((id) => (id === 1 ? first : line({ id: 1, length: 1 }) + "a"));
  const fetcher = courier.fetcher(5_000, undefined);
  await fetcher.metadata("1.root.json", 1).catch(() => undefined);
  const why = { cause: expect.objectContaining({ code: "LIMIT" }) };
  await expect(fetcher.metadata("2.root.json", 1)).rejects.toMatchObject(why);
  expect(processes.at(-1)?.killed).toBe(1);
});

test("the end of one that was killed is not that of the next, and what breaks its stream harms nobody", async () => {
  const { courier, processes } = saying((id) => (id === 1 ? "nonsense\n" : undefined));
  const fetcher = courier.fetcher(5_000, undefined);
  await expect(fetcher.metadata("1.root.json", 1)).rejects.toMatchObject(failed(/should not/));
  const second = fetcher.metadata("2.root.json", 1);
  processes[0]?.end("SIGKILL");
  await processes[0]?.ended;
  processes[1]?.control.push(line({ id: 2, length: 1 }) + "b");
  expect(String(await second)).toBe("b");
  const third = fetcher.metadata("3.root.json", 1);
  processes[1]?.control.destroy(new Error("EPIPE"));
  processes[1]?.end("SIGSEGV");
  await expect(third).rejects.toMatchObject(failed("what fetches has ended: SIGSEGV"));
});

test("one that does not start is an error that says so", async () => {
  const cause = new Error("ENOMEM");
  const courier = new Courier(() => {
    throw cause;
  }, errand);
  await expect(courier.fetcher(5_000, undefined).metadata("1.root.json", 1)).rejects.toMatchObject({
    ...failed("what fetches does not start"),
    cause,
  });
});
