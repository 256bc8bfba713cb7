import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { agent, end, moody, openFolder, publisher, until, type AgentProcess } from "../agent/place.ts";
import { watchOver } from "../agent/service-manager.ts";
import { lacking } from "../needs.ts";
import { gatePolicy, marker, run } from "./place.ts";
import { allEnded, allPoised } from "./poised.ts";
import { corePattern, fixed, withSetting } from "./sysctl.ts";

/** As the unit has it: installers/linux/edict.service. */
const watchdog = 3_000;

/** A whole agent whose gate holds one filesystem in memory, and programs there. */
async function house() {
  const folder = await openFolder();
  const signer = await publisher(folder);
  const policy: object = JSON.parse(gatePolicy().toString());
  await signer.publish(policy);
  const web = await moody(signer.repo);
  const mounted = join(folder, "mounted");
  mkdirSync(mounted);
  execFileSync("mount", ["-t", "tmpfs", "edict-test", mounted]);
  onTestFinished(() => void execFileSync("umount", ["-l", mounted]));
  const add = (name: string): string => {
    copyFileSync("/bin/true", join(mounted, name));
    chmodSync(join(mounted, name), 0o755);
    return join(mounted, name);
  };
  const [banned, innocent, large] = [add("banned"), add("innocent"), add("large")];
  appendFileSync(banned, marker);
  truncateSync(large, 2 ** 31); // nothing but a hole
  /** Starts it; resolves when its gate denies. */
  const start = async (env: Record<string, string> = {}): Promise<AgentProcess> => {
    const settings = { server: web.url, root: signer.root, gate: { mounts: [mounted], elsewhere: false } };
    const one = agent(folder, settings, { env });
    await until("its gate denies", async () => (await run(banned)) === "denied");
    return one;
  };
  return { folder, signer, policy, add, start, banned, innocent, large };
}

/** The process of an agent's gate. */
function gateOf({ child }: AgentProcess): number {
  const isGate = (pid: string): boolean => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      return (
        status.includes(`\nPPid:\t${child.pid}\n`) &&
        readFileSync(`/proc/${pid}/cmdline`, "latin1").endsWith("\0gate\0")
      );
    } catch {
      return false; // it has ended
    }
  };
  return Number(readdirSync("/proc").find((pid) => /^\d+$/.test(pid) && isGate(pid)));
}

/** Starts a program again and again, until its input ends: what came of it, and whether each was back within a second more than one that nobody is asked about. */
const again = `
  const { spawnSync } = require("node:child_process");
  const ran = new Set();
  const longest = { asked: 0, other: 0 };
  const start = (which, program) => {
    const began = performance.now();
    const { status } = spawnSync(program);
    longest[which] = Math.max(longest[which], performance.now() - began);
    return status;
  };
  const both = () => {
    ran.add(start("asked", process.argv[1]));
    start("other", "/bin/true");
  };
  const timer = setInterval(both, 1);
  process.stdin.resume().on("end", () => {
    clearInterval(timer);
    console.log(JSON.stringify({ ran: [...ran], inTime: longest.asked < 1000 + longest.other || longest }));
  });
  both();
  console.log(" ");
`;

/** Sixteen programs wait for 32 GiB to be read when it happens. */
async function inTheMiddle(it: Awaited<ReturnType<typeof house>>, signal: NodeJS.Signals) {
  const one = await it.start();
  const waiting = await allPoised(Array.from({ length: 16 }, () => it.large));
  await Promise.all(waiting.map((each) => each.go()));
  one.child.kill(signal);
  const went = await allEnded(waiting, performance.now());
  return { went, ended: await end(one.child) };
}

const goOn = { ran: [0], inTime: true };

describe.skipIf(lacking("root"))("an agent with a gate that", () => {
  test.each<NodeJS.Signals>(["SIGKILL", "SIGSEGV"])(
    "ends by %s in the middle of answers holds nobody, and denies again when it is started again",
    async (signal) => {
      const it = await house();
      expect(await inTheMiddle(it, signal)).toEqual({ went: goOn, ended: signal });
      expect(await run(it.banned)).toBe(0); // nobody is left to ask
      await it.start();
    },
  );

  test.skipIf(fixed(corePattern))("has no memory left and aborts has its gate answer for the dump helper", async () => {
    const it = await house();
    const helper = it.add("dump-helper");
    const one = await it.start({ NODE_OPTIONS: "--max-old-space-size=80" });
    const storm = spawn(process.execPath, ["-e", again, it.innocent], { stdio: ["pipe", "pipe", "inherit"] });
    await once(storm.stdout, "data");
    const exceptions = Array.from({ length: 300_000 }, (_, i) => ({
      ban: "banned",
      device: `device-${i}`,
      until: "2030-01-01T00:00:00Z",
      reason: "a test's",
    }));
    const ended = await withSetting(corePattern, `|${helper} %p`, async () => {
      await it.signer.publish({ ...it.policy, exceptions });
      return end(one.child);
    });
    storm.stdin.end();
    const said = (await storm.stdout.toArray()).join("");
    expect({ ended, ...JSON.parse(said) }).toEqual({ ended: "SIGABRT", ran: [0], inTime: true });
    await it.signer.publish(it.policy);
    await it.start();
  });

  test("is stopped goes on answering by itself, however much it has to say that nobody reads", async () => {
    const it = await house();
    const one = await it.start();
    const gate = gateOf(one);
    one.child.kill("SIGSTOP");
    const loops = [1, 2, 3, 4].map(async () => {
      // Past 4 MiB of what it has to say about them.
      const child = spawn(
        "/bin/sh",
        ["-c", 'i=0; while [ $i -lt 1000 ]; do "$0"; echo $?; i=$((i+1)); done', it.banned],
        {
          stdio: ["ignore", "pipe", "ignore"],
        },
      );
      const [said] = await Promise.all([child.stdout.toArray(), once(child, "exit")]);
      return said.join("");
    });
    expect((await Promise.all(loops)).join("")).toBe("126\n".repeat(4_000));
    expect([await run(it.innocent), await run(it.banned)]).toEqual([0, "denied"]);
    expect(gateOf(one)).toBe(gate);
    one.child.kill("SIGCONT");
    await one.says("what the gate said was lost"); // and it says so
    await until("it goes on", async () => (await one.status()).recorded.length > 0);
  });

  test("is stopped with its gate holds nobody, is killed by the service manager, and denies again", async () => {
    const it = await house();
    const socket = join(it.folder, "notify");
    const manager = watchOver(socket, watchdog);
    const one = await it.start({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdog * 1000) });
    const { killed, ...watched } = manager.with(one.child);
    await until("it has given a sign of life", () => watched.heard().includes("WATCHDOG=1"));
    const waiting = await allPoised(Array.from({ length: 8 }, () => it.innocent));
    one.child.kill("SIGSTOP");
    process.kill(gateOf(one), "SIGSTOP");
    const began = performance.now();
    await Promise.all(waiting.map((each) => each.go()));
    expect(await allEnded(waiting, began)).toEqual(goOn);
    await killed;
    await it.start();
  });
});
