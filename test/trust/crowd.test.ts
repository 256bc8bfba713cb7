import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../lib/temporary.ts";
import { grouped, type Watched } from "./device.ts";
import { endless } from "./hostile.ts";

const MiB = 1024 * 1024;

/** So many refreshes at once, in a process that has nothing else to do. */
async function crowd(
  { web, sim, clock }: Watched,
  count: number,
  timeoutMs: number,
): Promise<{ readonly codes: Readonly<Record<string, number>>; readonly grown: number }> {
  const root = join(await temporaryFolder(), "root.json");
  await writeFile(root, await sim.bytes("root"));
  const args = [
    fileURLToPath(new URL("./crowd.ts", import.meta.url)),
    web.url,
    root,
    String(clock),
    String(count),
    String(timeoutMs),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof crowd>>;
}

test("ten thousand refreshes at once each end well or with a code, in bounded memory", async () => {
  const repo = await grouped();
  const files = await repo.sim.files();
  for (const [name, bytes] of files) repo.answers.set(name, (_request, response) => void response.end(bytes));
  const { codes, grown } = await crowd(repo, 10_000, 5000);
  const { taken = 0, TIMEOUT: late = 0, ...others } = codes;
  expect([taken + late, others]).toEqual([10_000, {}]);
  expect(grown).toBeLessThan(512 * MiB);
}, 120_000);

test("two hundred refreshes that get endless answers end with a code, in bounded memory", async () => {
  const repo = await grouped();
  repo.answers.set("timestamp.json", (_request, response) => endless(response));
  const { codes, grown } = await crowd(repo, 200, 60_000);
  expect(codes).toEqual({ LIMIT: 200 });
  expect(grown).toBeLessThan(256 * MiB);
}, 120_000);

test("ten thousand who ask one client at once get what one chain of requests found", async () => {
  const { client, web } = await grouped();
  const device = await client({ groups: ["a"] });
  const one = await client({ groups: ["a"] });
  await one.refresh();
  const alone = [...web.asked];
  web.asked.length = 0;
  const found = await Promise.all(Array.from({ length: 10_000 }, () => device.refresh()));
  expect(new Set(found).size).toBe(1);
  expect(web.asked.toSorted()).toEqual(alone.toSorted());
});

test("clients that share a folder take turns, and each gets the policy", async () => {
  const { client } = await grouped();
  const first = await client();
  const all = await Promise.all(Array.from({ length: 20 }, () => client({ dir: first.dir })));
  const found = await Promise.all(all.map((one) => one.refresh()));
  expect(new Set(found.map(({ id }) => id)).size).toBe(1);
});
