import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { policyOf, served } from "../trust/repository.ts";

const program = fileURLToPath(new URL("./client.ts", import.meta.url));

function client(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [program, ...args]);
}

test("the public suite's command line initialises, refreshes and downloads, and ends with 1 and the code", async () => {
  const repo = await served(systemClock.now());
  await repo.publish("downloaded");
  const base = await temporaryFolder();
  const [dir, targets] = [join(base, "metadata"), join(base, "targets")];
  const where = ["--metadata-dir", dir, "--metadata-url", repo.web.url];
  await client("--metadata-dir", dir, "init", join(repo.dir, "1.root.json"));
  await client(...where, "refresh");
  const stored = (await readdir(dir)).filter((name) => name.endsWith(".json")).toSorted();
  expect(stored).toEqual(["root.json", "snapshot.json", "targets.json", "timestamp.json"]);
  expect(await readFile(join(dir, "timestamp.json"))).toEqual(await readFile(join(repo.dir, "timestamp.json")));

  const wanted = ["--target-base-url", `${repo.web.url}targets/`, "--target-dir", targets];
  await client(...where, ...wanted, "--target-name", "policy.json", "--target-name", "catalog.json", "download");
  expect(gunzipSync(await readFile(join(targets, "policy.json")))).toEqual(policyOf("downloaded"));
  const missing = client(...where, ...wanted, "--target-name", "none.json", "download");
  await expect(missing).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("MISMATCH") });
  repo.answers.set("/timestamp.json", (_request, response) => response.end("{}"));
  await expect(client(...where, "refresh")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("FORMAT"),
  });
});
