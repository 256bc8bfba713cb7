// A web server for folders of files, as a process: server.ts DIR. It sends its port, and for each message what has gone through it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";

/** Since the server began; bytes as its sockets counted them, from the devices and to them. */
export interface Traffic {
  readonly requests: number;
  readonly up: number;
  readonly down: number;
}

interface File {
  readonly bytes: Buffer;
  readonly etag: string;
}

const [dir = ""] = process.argv.slice(2);
const files = new Map<string, File | undefined>();
const open = new Set<Socket>();
let [requests, up, down] = [0, 0, 0];

function fileAt(path: string): File | undefined {
  if (!files.has(path)) files.set(path, read(path));
  return files.get(path);
}

function read(path: string): File | undefined {
  try {
    const bytes = readFileSync(join(dir, path));
    return { bytes, etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"` };
  } catch {
    return undefined;
  }
}

const server = createServer((request, response) => {
  requests += 1;
  const file = fileAt(request.url ?? "/");
  if (file === undefined) return void response.writeHead(404).end();
  response.setHeader("etag", file.etag);
  if (request.headers["if-none-match"] === file.etag) response.writeHead(304).end();
  else response.end(file.bytes);
});
server.on("connection", (socket) => {
  open.add(socket);
  socket.once("close", () => {
    open.delete(socket);
    up += socket.bytesRead;
    down += socket.bytesWritten;
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo; // it listens on a port
  process.send?.(port);
});
const sum = (of: (socket: Socket) => number): number => [...open].reduce((all, socket) => all + of(socket), 0);
process.on("message", () => {
  const traffic: Traffic = { requests, up: up + sum((s) => s.bytesRead), down: down + sum((s) => s.bytesWritten) };
  process.send?.(traffic);
});
process.on("disconnect", () => process.exit());
