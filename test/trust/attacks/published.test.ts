import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../lib/temporary.ts";
import { served, type Served } from "../repository.ts";

/** Everything the repository shows now, to be shown again later. */
async function recorded(repo: Served): Promise<string> {
  const copy = join(await temporaryFolder(), "copy");
  await cp(repo.dir, copy, { recursive: true });
  return copy;
}

test("an old repository that is shown again is refused, and the new policy stays", async () => {
  const repo = await served();
  await repo.publish("lenient");
  const old = await recorded(repo);
  await repo.publish("strict");
  const client = await repo.client();
  await client.activated(await client.refresh());
  await rm(repo.dir, { recursive: true });
  await cp(old, repo.dir, { recursive: true });
  await expect(client.refresh()).rejects.toMatchObject({ code: "ROLLBACK", file: "timestamp" });
  expect((await client.cached())?.version).toBe(3);
  const restarted = await repo.client({ dir: client.dir });
  await expect(restarted.refresh()).rejects.toMatchObject({ code: "ROLLBACK" });
});

test("an old policy under the new one's name is refused", async () => {
  const repo = await served();
  await repo.publish("lenient");
  const old = await readFile(join(repo.dir, "2.targets.json"));
  await repo.publish("strict");
  const client = await repo.client();
  await client.activated(await client.refresh());
  await writeFile(join(repo.dir, "3.targets.json"), old);
  await rm(join(client.dir, "targets.json"));
  await expect(client.refresh()).rejects.toMatchObject({ code: "MISMATCH", file: "targets.json" });
});

test("a server that repeats the same for ever is noticed when the timestamp expires", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  await client.activated(await client.refresh());
  repo.clock.add(71 * 3_600_000);
  await client.refresh();
  repo.clock.add(3_600_000);
  await expect(client.refresh()).rejects.toMatchObject({ code: "EXPIRED", file: "timestamp" });
  expect(client.status().lastError).toMatchObject({ code: "EXPIRED" });
});

test("an ETag is sent only for the timestamp that is stored", async () => {
  const repo = await served();
  await repo.publish("one");
  const client = await repo.client();
  await client.activated(await client.refresh());
  const older = await readFile(join(client.dir, "timestamp.json"));
  await repo.resign();
  await client.refresh();
  const sent: (string | undefined)[] = [];
  const timestamp = await readFile(join(repo.dir, "timestamp.json"));
  repo.answers.set("/timestamp.json", (request, response) => {
    sent.push(request.headers["if-none-match"]);
    response.setHeader("etag", '"kept"').end(timestamp);
  });
  for (const stored of [undefined, undefined, Buffer.from("damaged"), older]) {
    if (stored !== undefined) await writeFile(join(client.dir, "timestamp.json"), stored);
    await (await repo.client({ dir: client.dir })).refresh();
  }
  expect(sent).toEqual([expect.stringMatching(/^".*"$/), '"kept"', undefined, undefined]);
});

test("another organisation's root starts another chain, and the old policy is enforced until its first", async () => {
  const [first, second] = [await served(), await served()];
  await first.publish("first");
  await second.publish("second");
  const client = await first.client();
  await client.activated(await client.refresh());
  const moved = await second.client({ dir: client.dir });
  expect(JSON.parse(String(Buffer.from((await moved.cached())?.policy ?? [])))).toMatchObject({ name: "first" });
  await moved.activated(await moved.refresh());
  const again = await second.client({ dir: client.dir, url: "http://127.0.0.1:1/" });
  expect(JSON.parse(String(Buffer.from((await again.cached())?.policy ?? [])))).toMatchObject({ name: "second" });
});

test("no more than four generations are kept", async () => {
  const repo = await served();
  const client = await repo.client();
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    await repo.publish(name);
    await client.activated(await client.refresh());
  }
  expect((await readdir(join(client.dir, "generations"))).length).toBeLessThanOrEqual(4);
});
