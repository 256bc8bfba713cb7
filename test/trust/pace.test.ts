import { expect, onTestFinished, test, vi } from "vitest";
import { Pace } from "#trust/pace.ts";
import { waits } from "./waits.ts";

const hour = 3_600_000;
const never = new AbortController().signal;
const soon = { leastMs: 0, spreadMs: 0 };

test("a pause is over after its time, or when it is given up", async () => {
  const pace = new Pace(() => 0);
  await expect(pace.pause(1, never)).resolves.toBeUndefined();
  const stop = new AbortController();
  const paused = pace.pause(hour, stop.signal);
  stop.abort();
  await expect(paused).resolves.toBeUndefined();
});

test("news ends it, whether they come while somebody waits or before", async () => {
  const pace = new Pace(() => 0.5, soon);
  const paused = pace.pause(hour, never);
  pace.lookSoon();
  await expect(paused).resolves.toBeUndefined();
  pace.lookSoon();
  await expect(pace.pause(hour, never)).resolves.toBeUndefined();
});

test("news are looked at once", async () => {
  const pace = new Pace(() => 0, soon);
  pace.lookSoon();
  await pace.pause(hour, never);
  expect(await first(pace.pause(hour, never))).toBe("nobody looks");
});

test.each([
  ["so soon after the last look", { leastMs: hour, spreadMs: 0 }, 0],
  ["at the same moment as everybody", { leastMs: 0, spreadMs: hour }, 0.9],
])("nobody looks %s, whatever the server says", async (_, bounds, random) => {
  const pace = new Pace(() => random, bounds);
  pace.lookSoon();
  const paused = pace.pause(2 * hour, never);
  pace.lookSoon();
  expect(await first(paused)).toBe("nobody looks");
});

test("news delay no look that was due", async () => {
  const pace = new Pace(() => 0, { leastMs: hour, spreadMs: 0 });
  pace.lookSoon();
  await expect(pace.pause(5, never)).resolves.toBeUndefined();
});

test.each([
  { news: 0, random: 0, later: 10_000 },
  { news: 4_000, random: 0, later: 6_000 },
  { news: 8_000, random: 0.5, later: 2_500 },
  { news: 20_000, random: 0.5, later: 2_500 },
  { news: 59_000, random: 0.5, later: 1_000 },
])("news $news ms after the last look of a minute's are looked at $later ms later", async ({ news, random, later }) => {
  const day = 24 * hour;
  const time = vi.spyOn(performance, "now").mockReturnValue(day);
  onTestFinished(() => time.mockRestore());
  const waited = waits(60_000);
  const pace = new Pace(() => random);
  const paused = pace.pause(60_000, never);
  time.mockReturnValue(day + news);
  pace.lookSoon();
  await paused;
  expect(waited.map(({ ms }) => ms)).toEqual([60_000, later]);
  expect(waited[0]?.signal?.aborted).toBe(true); // or its timer would stay until then
});

test("without news it waits once, and is over", async () => {
  const waited = waits();
  await new Pace(() => 0.5).pause(60_000, never);
  expect(waited.map(({ ms }) => ms)).toEqual([60_000]);
});

test("who gives up does not wait for the look that news asked for", async () => {
  const pace = new Pace(() => 0, { leastMs: hour, spreadMs: 0 });
  const stop = new AbortController();
  pace.lookSoon();
  const paused = pace.pause(2 * hour, stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await expect(paused).resolves.toBeUndefined();
});

/** Whether that ends before everything else in this process had its turn, twice. */
async function first(paused: Promise<void>): Promise<string> {
  const turns = new Promise<string>((resolve) =>
    setImmediate(() => setTimeout(() => setImmediate(() => resolve("nobody looks")), 1)),
  );
  return Promise.race([paused.then(() => "somebody looks"), turns]);
}
