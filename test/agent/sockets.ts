import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { Answer } from "#protocol/control.ts";

/** Does something as another user, in this process: the kernel looks at the effective uid. */
export async function as<T>(uid: number, work: () => Promise<T>): Promise<T> {
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

export async function connected(path: string): Promise<Socket> {
  const socket = createConnection({ path, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Everything that comes back until the other side closes, as answers. */
export async function answersOn(socket: Socket): Promise<readonly Answer[]> {
  const lines = (await text(socket)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Answer);
}

/** Sends these bytes, closes this half, and reads what comes. */
export async function exchange(path: string, bytes: string | Uint8Array): Promise<readonly Answer[]> {
  const socket = await connected(path);
  socket.end(bytes);
  return answersOn(socket);
}

/** One question as this user. */
export async function askAs(uid: number, path: string, question: object): Promise<Answer | undefined> {
  const socket = process.getuid?.() === 0 && uid !== 0 ? await as(uid, () => connected(path)) : await connected(path);
  socket.end(`${JSON.stringify(question)}\n`);
  return (await answersOn(socket))[0];
}
