import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { lacking } from "../needs.ts";
import { idOf } from "./contract.ts";

const ann = 4242;
const started: ChildProcess[] = [];
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "edict-unprivileged-"));
  chmodSync(base, 0o777);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
});

async function waiting(uid: number): Promise<number> {
  const child = spawn("/bin/sh", ["-c", "echo ready; read line"], { uid, gid: uid });
  started.push(child);
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

/** Does something as another user, in this process: the kernel looks at the effective uid. */
async function as<T>(uid: number, work: (platform: Platform) => Promise<T>): Promise<T> {
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    return await work(await selectPlatform());
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

describe.skipIf(lacking("root"))("without root", () => {
  test("a stranger's process is listed, and what cannot be read of it is an error that says so", async () => {
    const theirs = await waiting(0);
    await as(ann, async (platform) => {
      expect((await platform.processes()).find(({ pid }) => pid === theirs)).toMatchObject({
        uid: 0,
        name: "sh",
        path: "",
      });
      await expect(platform.inspect(theirs)).rejects.toMatchObject({ name: "PlatformError", code: "denied" });
      expect(platform.capabilities.seeEveryone).toEqual({
        up: false,
        why: expect.stringContaining("not root") as string,
      });
      expect(platform.capabilities.stop).toEqual({ up: true });
      expect(await platform.tree(process.pid)).toEqual([]);
    });
  });

  test("a stranger's process is not signalled", async () => {
    const theirs = await waiting(0);
    const detail = await (await selectPlatform()).inspect(theirs);
    if (detail === undefined) throw new Error("it is gone");
    const held = (await selectPlatform()).hold(idOf(detail));
    await as(ann, (platform) => {
      expect(held?.signal("KILL")).toBe("refused");
      expect(() => platform.hold(idOf(detail))).toThrow(expect.objectContaining({ code: "denied" }) as Error);
      return Promise.resolve();
    });
    expect(held?.signal("KILL")).toBe("sent");
    held?.close();
  });

  test("one's own process is described and signalled", async () => {
    const own = await waiting(ann);
    await as(ann, async (platform) => {
      const detail = await platform.inspect(own);
      expect(detail?.process.uid).toBe(ann);
      const held = detail && platform.hold(idOf(detail));
      expect(held?.signal("KILL")).toBe("sent");
      held?.close();
    });
  });

  test("the other end of a local socket is known by the kernel's word, and nobody over TCP", async () => {
    const platform = await selectPlatform();
    const server = createServer();
    const path = join(base, "socket");
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, 0o666);
    const peers: (number | undefined)[] = [];
    for (const uid of [0, ann]) {
      const accepted = once(server, "connection");
      const client = await as(uid, async () => {
        const socket = createConnection(path);
        await once(socket, "connect");
        return socket;
      });
      const [socket] = (await accepted) as [Socket];
      peers.push(platform.peerUid(socket));
      socket.destroy();
      client.destroy();
      expect(platform.peerUid(socket)).toBeUndefined(); // closed: its descriptor may be another's by now
    }
    expect(peers).toEqual([0, ann]);
    server.close();

    const tcp = createServer().listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const address = tcp.address();
    const client = createConnection(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
    const [socket] = (await once(tcp, "connection")) as [Socket];
    expect(platform.peerUid(socket)).toBeUndefined();
    socket.destroy();
    client.destroy();
    tcp.close();
  });
});
