import { join } from "node:path";
import { expect, test } from "vitest";
import { patienceFor, Watchdog } from "#agent/watchdog.ts";
import { agent, banning, end, isAlive, moody, nativeTool, openFolder, publisher, until } from "./place.ts";
import { watchOver } from "./service-manager.ts";

/** As the unit has it: installers/linux/edict.service. */
const period = 3_000;

/** An agent with a policy to compile, under something that plays the service manager. */
async function watched() {
  const folder = await openFolder();
  const signer = await publisher(folder);
  await signer.publish(banning(nativeTool(folder), "block"));
  const web = await moody(signer.repo);
  const socket = join(folder, "notify");
  const manager = watchOver(socket, period);
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(period * 1000) };
  const one = agent(folder, { server: web.url, root: signer.root }, { env });
  return { one, manager: manager.with(one.child) };
}

const sign = (word: string): boolean => word === "WATCHDOG=1";

test("the agent lives under the unit's watchdog, and asks for more time only while a policy is put in force", async () => {
  const { one, manager } = await watched();
  await one.says("a policy is in force");
  await until("it has given signs of life for longer than the period", () => manager.heard().filter(sign).length > 6);
  expect(isAlive(one.child)).toBe(true);
  const words = manager.heard();
  const asked = words.findIndex((word) => /^WATCHDOG_USEC=\d{8,}$/.test(word));
  expect(asked).toBeGreaterThan(-1);
  // It may have come before the start was over, and then that takes longer too.
  expect(words.slice(0, asked)).toContain(words[asked]?.replace("WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC"));
  expect(words.slice(asked + 1)).toContain(`WATCHDOG_USEC=${period * 1000}`);
  await until("the period is the unit's again", () => manager.watchdog === period);
});

test("an agent that is stopped is killed within the unit's watchdog period", async () => {
  const { one, manager } = await watched();
  await one.says("a policy is in force");
  await until("the period is the unit's again", () => manager.watchdog === period && manager.heard().some(sign));
  expect(isAlive(one.child)).toBe(true);
  one.child.kill("SIGSTOP");
  const heard = await manager.killed;
  expect(await end(one.child)).toBe("SIGKILL");
  expect(heard).not.toContain("STOPPING=1");
});

/** What the service manager hears, and the watchdog that says it. */
function saying(watchdog: number | undefined): { heard: string[]; watchdog: Watchdog } {
  const heard: string[] = [];
  return { heard, watchdog: new Watchdog({ watchdog, service: (word) => void heard.push(word) }) };
}

test("two works at a time have the longer one's patience, until both are over", async () => {
  const { heard, watchdog } = saying(3_000);
  const over = Promise.withResolvers<void>();
  const long = watchdog.patiently(60_000, () => over.promise);
  expect(await watchdog.patiently(10_000, () => "done")).toBe("done");
  over.resolve();
  await long;
  expect(heard).toEqual([
    "EXTEND_TIMEOUT_USEC=60000000",
    "WATCHDOG_USEC=60000000",
    "EXTEND_TIMEOUT_USEC=10000000",
    "WATCHDOG_USEC=60000000",
    "WATCHDOG_USEC=60000000",
    "WATCHDOG_USEC=3000000",
  ]);
});

test("work that fails gives the patience back, and fails", async () => {
  const { heard, watchdog } = saying(3_000);
  await expect(
    watchdog.patiently(10_000, () => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(heard.at(-1)).toBe("WATCHDOG_USEC=3000000");
});

test("where no watchdog is set, none is set by asking for patience", async () => {
  const { heard, watchdog } = saying(undefined);
  await watchdog.patiently(10_000, () => undefined);
  expect(heard).toEqual(["EXTEND_TIMEOUT_USEC=10000000"]);
});

test("the period is never shortened by work that needs less", async () => {
  const { heard, watchdog } = saying(30_000);
  await watchdog.patiently(10_000, () => undefined);
  expect(heard).toEqual(["EXTEND_TIMEOUT_USEC=10000000", "WATCHDOG_USEC=30000000", "WATCHDOG_USEC=30000000"]);
});

test("an ordinary policy gets seconds, the largest there may be gets minutes", () => {
  expect(patienceFor(100_000)).toBeLessThan(15_000);
  expect(patienceFor(320 << 20)).toBeGreaterThan(600_000);
});
