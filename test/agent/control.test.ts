import { once } from "node:events";
import { chmod, chown, lstat, mkdir, symlink, writeFile, readFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Refusal, serveControl, type Handlers } from "#agent/control.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";
import { answersOn, connected, exchange } from "./sockets.ts";

const nobody = 4242;
const status = '{"ask":"status"}\n';
const yes = (uid: number) => ({ ok: true, result: { uid } });
const who = (_question: object, uid: number) => ({ uid });
const no = (code: string) => expect.objectContaining({ ok: false, code }) as object;

/** A control socket whose handlers say who asked. */
async function opened(
  options: { readonly uid?: (socket: Socket) => number | undefined; readonly handlers?: Partial<Handlers> } = {},
) {
  const dir = await temporaryFolder();
  await chmod(dir, 0o755);
  const path = join(dir, "run", "agent.sock");
  const stop = new AbortController();
  const ready = Promise.withResolvers<undefined>();
  const handlers: Handlers = {
    status: who,
    doctor: who,
    policy: who,
    "why-pid": who,
    "why-ban": who,
    request: who,
    continue: who,
    ...options.handlers,
  };
  const peerUid = options.uid ?? (() => nobody);
  const listening = () => ready.resolve(undefined);
  const done = serveControl({ path, peerUid, handlers, clock: systemClock, log: quiet, listening }, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  await Promise.race([ready.promise, done]);
  return { path, stop, done };
}

test("everybody may connect, and nobody but the agent may change the socket's folder, whatever the umask", async () => {
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
  const { path } = await opened();
  expect((await lstat(path)).mode & 0o777).toBe(0o666);
  expect((await lstat(join(path, ".."))).mode & 0o7777).toBe(0o755);
});

test("where the system does not say who asks, nobody is answered", async () => {
  const { path } = await opened({ uid: () => undefined });
  expect(await exchange(path, status)).toEqual([no("denied")]);
});

test("questions are answered one after the other, also to one who closes their half at once", async () => {
  const { path } = await opened();
  expect(await exchange(path, status + status + '{"ask":"policy"}\n')).toEqual([yes(nobody), yes(nobody), yes(nobody)]);
});

test("garbage, unknown questions, extra keys and paths are refused, and the next question is answered", async () => {
  const { path } = await opened();
  const wrong = [
    "\0\u0001\n",
    "null\n",
    "[]\n",
    '{"ask":"shutdown"}\n',
    '{"ask":"status","file":"/etc/shadow"}\n',
    '{"ask":"why-pid","pid":-1}\n',
    '{"ask":"why-pid","pid":"/proc/1"}\n',
    '{"__proto__":{"ask":"status"}}\n',
    `{"ask":"request","ban":"x","reason":""}\n`,
  ];
  expect(await exchange(path, wrong.join("") + status)).toEqual([...wrong.map(() => no("invalid")), yes(nobody)]);
  expect(await exchange(path, Buffer.from([0xff, 0xfe, 0x0a]))).toEqual([no("invalid")]);
});

test("half a line gets no answer, and a line past the bound gets one, and no more", async () => {
  const { path } = await opened();
  expect(await exchange(path, status.slice(0, 8))).toEqual([]);
  const long = "x".repeat(70_000);
  expect(await exchange(path, long)).toEqual([no("invalid")]);
  expect(await exchange(path, `${long}\n${status}`)).toEqual([no("invalid")]);
  const pieces = await connected(path);
  for (const byte of status) pieces.write(byte);
  pieces.end();
  expect(await answersOn(pieces)).toEqual([yes(nobody)]);
});

test("one who asks and never reads is not read any further", async () => {
  let answered = 0;
  const big = { text: "x".repeat(1_000_000) };
  const { path } = await opened({ uid: () => 0, handlers: { status: () => ((answered += 1), big) } });
  const greedy = await connected(path);
  greedy.pause();
  greedy.write(status.repeat(2_000));
  expect(await exchange(path, '{"ask":"policy"}\n')).toEqual([yes(0)]); // the others are served meanwhile
  greedy.destroy();
  expect(answered).toBeLessThan(50);
});

test("a hundred connections of one user take nothing from another", async () => {
  const uids = [...Array.from({ length: 100 }, () => nobody), 7];
  const { path } = await opened({ uid: () => uids.shift() });
  const greedy = await Promise.all(Array.from({ length: 100 }, () => connected(path)));
  const replies = greedy.slice(16).map((socket) => answersOn(socket));
  expect(await exchange(path, status)).toEqual([yes(7)]);
  expect(await Promise.all(replies)).toEqual(replies.map(() => [no("busy")]));
  for (const socket of greedy) socket.destroy();
});

test("who asks without end is told to wait, and root is not", async () => {
  let uid = nobody;
  const { path } = await opened({ uid: () => uid });
  const request = '{"ask":"request","ban":"x","reason":"y"}\n';
  const answers = await exchange(path, request.repeat(9));
  expect(answers.map(({ ok }) => ok)).toEqual([...Array(6).fill(true), ...Array(3).fill(false)]);
  expect(answers.at(-1)).toEqual(no("busy"));
  uid = 0;
  expect((await exchange(path, request.repeat(9))).every(({ ok }) => ok)).toBe(true);
});

test("a refusal has its code and words, and any other error is said to have failed", async () => {
  const { path } = await opened({
    handlers: {
      policy: () => {
        throw new Refusal("unknown", "no such ban");
      },
      doctor: () => Promise.reject(new Error("broken")),
    },
  });
  expect(await exchange(path, '{"ask":"policy"}\n{"ask":"doctor"}\n')).toEqual([
    { ok: false, code: "unknown", message: "no such ban" },
    { ok: false, code: "failed", message: "broken" },
  ]);
});

test("the end does not wait for silent people, and takes the socket with it", async () => {
  const { path, stop, done } = await opened({ handlers: { policy: () => new Promise<never>(() => undefined) } });
  const silent = await connected(path);
  const waiting = await connected(path);
  waiting.write('{"ask":"policy"}\n');
  const closed = Promise.all(
    [silent, waiting].map((socket) => new Promise((resolve) => socket.resume().on("close", resolve))),
  );
  silent.end();
  waiting.end();
  stop.abort();
  await Promise.all([closed, done]);
  await expect(lstat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

/** serveControl at this path, until it is stopped at once. */
async function tryAt(path: string): Promise<void> {
  const stop = new AbortController();
  const handlers = {} as Handlers;
  const listening = () => stop.abort();
  await serveControl({ path, peerUid: () => 0, handlers, clock: systemClock, log: quiet, listening }, stop.signal);
}

test("what a dead agent left at the path is replaced: a socket, a file, a link whose target stays", async () => {
  const dir = await temporaryFolder();
  const path = join(dir, "agent.sock");
  await writeFile(path, "left over");
  await tryAt(path);
  await writeFile(join(dir, "precious"), "precious");
  await symlink(join(dir, "precious"), path);
  await tryAt(path);
  expect(await readFile(join(dir, "precious"), "utf8")).toBe("precious");
  const dead = createServer().listen(path);
  await once(dead, "listening");
  onTestFinished(() => void dead.close());
  await tryAt(path);
});

describe.skipIf(lacking("root"))("for root", () => {
  test("a folder that another user owns, or could exchange, holds no socket", async () => {
    const dir = await temporaryFolder();
    await mkdir(join(dir, "theirs"));
    await chown(join(dir, "theirs"), nobody, nobody);
    await expect(tryAt(join(dir, "theirs", "agent.sock"))).rejects.toThrow(/belongs to user 4242/);
    await expect(tryAt(join(dir, "theirs", "run", "agent.sock"))).rejects.toThrow(/belongs to user 4242/);
    await mkdir(join(dir, "open"));
    await chmod(join(dir, "open"), 0o777);
    await expect(tryAt(join(dir, "open", "run", "agent.sock"))).rejects.toThrow(/chmod go-w/);
    await chmod(join(dir, "open"), 0o1777); // as /tmp
    await tryAt(join(dir, "open", "run2", "agent.sock"));
  });
});
