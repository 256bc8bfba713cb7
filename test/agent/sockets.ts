import { execFile } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Answer } from "#protocol/control.ts";

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

/** One question as this user: another process where that is not us, so that the kernel says who asks. */
export async function askAs(uid: number, path: string, question: object): Promise<Answer | undefined> {
  const line = `${JSON.stringify(question)}\n`;
  if (process.getuid?.() !== 0 || uid === 0) return (await exchange(path, line))[0];
  const become = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
  const perl = ["/usr/bin/perl", "-MSocket", "-e", client, path, line];
  const { stdout } = await promisify(execFile)("/usr/bin/setpriv", [...become, ...perl], { cwd: "/" });
  return stdout === "" ? undefined : (JSON.parse(stdout) as Answer);
}

/** What Debian always has instead of a Node that every user may run. */
const client =
  "socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un(shift)) or die $!;" +
  "syswrite(S, shift); shutdown(S, 1); print $_ while (sysread(S, $_, 65536));";
