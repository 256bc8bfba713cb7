import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { agent, banning, end, moody, nativeTool, openFolder, publisher, until } from "./place.ts";

function mountable(): boolean {
  try {
    execFileSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const why = lacking("root") ?? (mountable() ? undefined : "no tmpfs can be mounted here");
if (why !== undefined) console.warn(`skipped: ${why}`);

/** Runs the agent on a small disk of its own, twice: it is started again when it ends. */
const twice =
  'mount -t tmpfs -o size=4m,mode=700 tmpfs "$0" || exit 99; ' +
  'for time in 1 2; do "$@" & echo "pid $! time $time" >&2; wait $!; echo "ended with $?" >&2; done';

/** Writes until nothing more fits. */
function fill(file: string): void {
  const fd = openSync(file, "w");
  try {
    for (const size of [65_536, 4096, 1]) for (;;) if (!writes(fd, Buffer.alloc(size))) break;
  } finally {
    closeSync(fd);
  }
}

function writes(fd: number, bytes: Buffer): boolean {
  try {
    return writeSync(fd, bytes) > 0;
  } catch {
    return false;
  }
}

describe.skipIf(why !== undefined)("on a disk that is full", () => {
  test("the agent lives, enforces, and says so; it starts on it too, and recovers when there is room", async () => {
    const folder = await openFolder();
    const signer = await publisher(folder);
    const tool = nativeTool(folder);
    await signer.publish(banning(tool, "block"));
    const web = await moody(signer.repo);
    const state = join(folder, "state");
    mkdirSync(state);
    const settings = { server: web.url, root: signer.root };
    const one = agent(folder, settings, { under: ["unshare", "-m", "sh", "-c", twice, state] });
    await one.says("a policy is in force");
    // Its disk, seen from here: the mount is the agent's alone.
    const ballast = `/proc/${one.child.pid}/root${state}/ballast`;
    fill(ballast);

    const stops = async (): Promise<number> =>
      (await one.status()).recorded.filter(({ did, ban }) => did === "stopped" && ban === tool.id).length;
    const warned = async (): Promise<readonly string[]> => (await one.status()).warnings.map(({ code }) => code);
    expect(await end(await tool.start())).toBe("SIGTERM");
    await until("it is recorded", async () => (await stops()) === 1);
    await until("the disk is blamed", async () => (await warned()).includes("spool-trouble"));
    expect(await warned()).toContain("state-trouble");

    web.mood = "hangs up";
    process.kill(Number(/pid (\d+) time 1/.exec(one.said())?.[1]), "SIGTERM");
    await one.says("ended with 0");
    await one.says("time 2");
    expect(await end(await tool.start())).toBe("SIGTERM");
    expect((await one.status()).policy.version).toBe(2);

    rmSync(ballast);
    expect(await end(await tool.start())).toBe("SIGTERM");
    await until("reports are written again", async () => !(await warned()).includes("spool-trouble"));
    expect(one.said()).not.toContain("ended with 1");
  });
});
