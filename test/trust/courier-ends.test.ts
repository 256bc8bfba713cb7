import { getEventListeners } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { failed, line, saying } from "./saying.ts";

// When a request or a courier is over, and what is left of it.

test("one that is no longer needed is killed, and whoever waits is told", async () => {
  const { courier, processes } = saying(() => undefined);
  const waits = courier.fetcher(5_000, undefined).metadata("1.root.json", 1);
  courier.close();
  await expect(waits).rejects.toMatchObject(failed("it is no longer needed"));
  expect([processes[0]?.killed, processes[0]?.control.destroyed]).toEqual([1, true]);
  courier.close();
  expect(processes[0]?.killed).toBe(1);
});

test("who gives up need not wait, and the answer that comes later is nobody's", async () => {
  const { courier, processes, asked } = saying((id) =>
    id === 1 ? undefined : line({ id: 1, length: 1 }) + "a" + line({ id, length: 1 }) + "b",
  );
  const stop = new AbortController();
  const given = courier.fetcher(60_000, stop.signal).metadata("1.root.json", 1);
  stop.abort();
  await expect(given).rejects.toMatchObject(failed("1.root.json: given up"));
  await expect(courier.fetcher(60_000, stop.signal).metadata("2.root.json", 1)).rejects.toMatchObject(
    failed("2.root.json: given up"),
  );
  expect(String(await courier.fetcher(5_000, undefined).metadata("3.root.json", 1))).toBe("b");
  expect(asked().map(({ name }) => name)).toEqual(["1.root.json", "3.root.json"]);
  expect(processes[0]?.killed).toBe(0);
});

test("a request that is over leaves nothing at the signal under which it was asked", async () => {
  const { courier } = saying((id, { name }) => (name === "silent" ? undefined : line({ id, is: "absent" })));
  const stop = new AbortController();
  const fetcher = courier.fetcher(60_000, stop.signal);
  await fetcher.metadata("quick", 1);
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  const silent = fetcher.metadata("silent", 1);
  expect(getEventListeners(stop.signal, "abort").length).toBe(1);
  stop.abort();
  await expect(silent).rejects.toMatchObject(failed("silent: given up"));
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
});

test("one that is closed leaves no timer: whoever had it can end", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const { courier } = saying((id, { name }) => (name === "silent" ? undefined : line({ id, is: "absent" })));
  const fetcher = courier.fetcher(5_000, undefined);
  await fetcher.metadata("quick", 1);
  expect(vi.getTimerCount()).toBe(1);
  courier.close();
  expect(vi.getTimerCount()).toBe(0);
  const silent = fetcher.metadata("silent", 1);
  courier.close();
  await expect(silent).rejects.toMatchObject(failed("it is no longer needed"));
  expect(vi.getTimerCount()).toBe(0);
});

test("one that never answers is killed two seconds after its time is over", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const { courier, processes } = saying((_id, { name }) =>
    name === "silent" ? undefined : line({ id: 2, is: "absent" }),
  );
  const silent = courier.fetcher(50, undefined).metadata("silent", 1);
  const end = silent.catch((error: unknown) => error);
  expect(await courier.fetcher(10, undefined).metadata("quick", 1)).toBeUndefined();
  await vi.advanceTimersByTimeAsync(2_049);
  expect(processes[0]?.killed).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(await end).toMatchObject(failed("silent: it did not answer", "TIMEOUT"));
  expect(processes[0]?.killed).toBe(1);
});

test("one that was not asked for two seconds is ended, and the next request starts another", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const { courier, processes } = saying((id) => line({ id, is: "absent" }));
  const ask = async (): Promise<void> =>
    expect(await courier.fetcher(5_000, undefined).metadata("1.root.json", 1)).toBeUndefined();
  for (let i = 0; i < 2; i += 1) {
    await ask();
    await vi.advanceTimersByTimeAsync(1_999);
    expect([processes.length, processes[0]?.killed]).toEqual([1, 0]);
  }
  await vi.advanceTimersByTimeAsync(1);
  expect(processes[0]?.killed).toBe(1);
  await ask();
  expect(processes.length).toBe(2);
});
