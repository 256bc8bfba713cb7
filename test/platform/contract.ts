import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { Platform, ProcessDetail } from "#platform/platform.ts";
import type { ProcessId } from "#policy/outcome.ts";

export function idOf({ process: { pid, start }, program: { dev, ino } }: ProcessDetail): ProcessId {
  return { pid, start, dev, ino };
}

const waits = "process.stdin.resume(); console.log('ready')";
const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(waits)}], { stdio: "inherit" })`;

const threaded = `new (require("node:worker_threads").Worker)(${JSON.stringify(parent)}, { eval: true })`;

/** What every Platform must do, with real processes. */
export function contract(select: () => Promise<Platform>): void {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });

  /** A node that runs a script and has said that it does. */
  async function node(script: string): Promise<number> {
    const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
    started.push(child);
    await once(child.stdout, "data");
    return child.pid ?? 0;
  }

  describe("the contract of every platform", () => {
    test("a process that has just started is in the next sweep, and no longer after it ended", async () => {
      const platform = await select();
      await platform.processes();
      const pid = await node(waits);
      const row = (await platform.processes()).find((r) => r.pid === pid);
      expect(row).toMatchObject({ ppid: process.pid, uid: process.getuid?.(), path: process.execPath });
      started[0]?.kill("SIGKILL");
      await once(started[0] ?? process, "exit");
      expect((await platform.processes()).some((r) => r.pid === pid)).toBe(false);
    });

    test("a process is described by its real program, its arguments and its user", async () => {
      const detail = await (await select()).inspect(await node(waits));
      expect(detail?.program).toMatchObject({ path: process.execPath, owner: expect.any(Number) as number });
      expect(detail?.process).toMatchObject({ ppid: process.pid, uid: process.getuid?.() });
      expect(detail?.process.argv?.slice(1)).toEqual(["-e", waits]);
      expect(detail?.sameMounts).toBe(true);
    });

    test("a process that is gone is undefined, not an error", async () => {
      const platform = await select();
      const pid = await node(waits);
      const detail = await platform.inspect(pid);
      started[0]?.kill("SIGKILL");
      await once(started[0] ?? process, "exit");
      expect(await platform.inspect(pid)).toBeUndefined();
      expect(detail && platform.hold(idOf(detail))).toBeUndefined();
    });

    test("the tree of a process holds its children's children", async () => {
      const platform = await select();
      const pid = await node(parent);
      const children = await platform.tree(pid);
      expect(children).toHaveLength(1);
      expect(children[0]).toMatchObject({ ppid: pid, uid: process.getuid?.() });
      expect((await platform.tree(process.pid)).map(({ id }) => id.pid)).toEqual(
        expect.arrayContaining([pid, children[0]?.id.pid]),
      );
      const child = children[0] && platform.hold(children[0].id);
      expect(child?.signal("KILL")).toBe("sent");
      expect(await child?.ended(10_000)).toBe(true);
      child?.close();
    });

    test("the tree of a process holds what another thread of it started", async () => {
      const platform = await select();
      const pid = await node(threaded);
      const children = await platform.tree(pid);
      expect(children).toMatchObject([{ ppid: pid }]);
      const child = children[0] && platform.hold(children[0].id);
      expect(child?.signal("KILL")).toBe("sent");
      child?.close();
    });

    test("a held process is signalled, seen to end, and then gone", async () => {
      const platform = await select();
      const detail = await platform.inspect(await node(waits));
      const held = detail && platform.hold(idOf(detail));
      expect(await held?.ended(1)).toBe(false);
      expect(held?.signal("TERM")).toBe("sent");
      expect(await held?.ended(10_000)).toBe(true);
      expect(held?.signal("KILL")).toBe("gone");
      held?.close();
    });

    test("a process with another start time or another program is not taken hold of", async () => {
      const platform = await select();
      const detail = await platform.inspect(await node(waits));
      if (detail === undefined) throw new Error("it is gone");
      const id = idOf(detail);
      expect(platform.hold({ ...id, start: id.start - 1 })).toBeUndefined();
      expect(platform.hold({ ...id, ino: "1" })).toBeUndefined();
      expect(platform.hold({ ...id, dev: "0:1" })).toBeUndefined();
    });

    test("the agent and the first process are not signalled, whatever was decided", async () => {
      const platform = await select();
      const own = await platform.inspect(process.pid);
      expect(own && platform.hold(idOf(own))?.signal("CONT")).toBe("refused");
    });
  });
}
