import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { agent, banning, end, moody, openFolder, publisher } from "./place.ts";

const { stream } = (await selectPlatform()).capabilities;
if (!stream.up) console.warn(`skipped: no exec stream here: ${stream.why}`);

/** A program of the test's own that ends by itself after a tenth of a second, and knows nothing of signals. */
function shortLived(folder: string) {
  const id = `stand-in-${randomUUID()}`;
  const path = join(folder, id);
  copyFileSync("/bin/sleep", path);
  writeFileSync(path, `\0${id}`, { flag: "a" });
  const bytes = readFileSync(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const tool = { id, name: "Stand-in", identities: [{ kind: "hash", sha256, size: bytes.length }] };
  const start = (): ChildProcess => {
    const child = spawn(path, ["0.1"], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  return { id, tool, start };
}

test.skipIf(lacking("root") !== undefined || !stream.up)(
  "a banned program that lives for a tenth of a second is stopped, and recorded, an hour before the next sweep",
  async () => {
    const folder = await openFolder();
    const signer = await publisher(folder);
    const tool = shortLived(folder);
    await signer.publish(banning(tool, "block"));
    const web = await moody(signer.repo);
    const one = agent(folder, { server: web.url, root: signer.root, sweepSeconds: 3600 });
    await one.says("a policy is in force");
    // The first start of a program is the one whose file is read; on a machine with no time it may end before.
    await expect.poll(async () => end(tool.start())).toBe("SIGTERM");
    const stopped = { did: "stopped", ban: tool.id, mode: "block" };
    await expect.poll(async () => (await one.status()).recorded).toContainEqual(expect.objectContaining(stopped));
    const { watching, lines } = await one.status();
    expect(watching.execs?.told).toBeGreaterThan(0);
    expect(lines.stream.up).toBe(true);
  },
);
