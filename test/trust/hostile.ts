import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/** What a server does instead of an answer. */
export interface Fault {
  readonly what: string;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** The code that names it: a pattern; by the place where it is met, as far as it differs there. */
  readonly code: string | Readonly<Record<string, string>>;
  /** It never ends by itself. */
  readonly waits?: true;
}

/** Bytes that are written to the connection as they are, and then a reset (RFC 9293 section 3.10.4). */
function reset(...said: readonly string[]): Fault["answer"] {
  return ({ socket }) => {
    if (said.length === 0) socket.resetAndDestroy();
    else socket.write(said.join("\r\n"), () => socket.resetAndDestroy());
  };
}

/** Bytes that are written to the connection as they are. */
function raw(...said: readonly string[]): Fault["answer"] {
  return ({ socket }) => socket.end(said.join("\r\n"));
}

const ok = "HTTP/1.1 200 OK";
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const otherBytes = "LIMIT|MISMATCH";
const unsized = { root: "FORMAT", timestamp: "FORMAT" };

export const faults: readonly Fault[] = [
  { what: "a redirect", answer: (_q, a) => a.writeHead(302, { location: "/elsewhere" }).end(), code: "HTTP" },
  {
    what: "a page with status 200",
    answer: (_q, a) => a.end("<html>Welcome to the hotel's network</html>"),
    code: { ...unsized, "": otherBytes },
  },
  { what: "nothing, with status 200", answer: (_q, a) => a.end(), code: { ...unsized, "": "MISMATCH" } },
  {
    what: "a compressed answer",
    answer: (_q, a) => a.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}")),
    code: "HTTP",
  },
  {
    what: "a compressed answer of 64 MiB",
    answer: (_q, a) => a.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    code: "HTTP",
  },
  { what: "status 500", answer: (_q, a) => a.writeHead(500).end("x".repeat(1_000_000)), code: "HTTP" },
  { what: "status 204", answer: (_q, a) => a.writeHead(204).end(), code: "HTTP" },
  {
    what: "an announced length of a terabyte",
    answer: (_q, a) => a.writeHead(200, { "content-length": "1000000000000" }).write("{"),
    code: "LIMIT",
  },
  {
    what: "more bytes than were announced",
    answer: raw(ok, "content-length: 1", "", "{}".repeat(100)),
    code: "NETWORK",
  },
  { what: "two lengths", answer: raw(ok, "content-length: 1", "content-length: 2", "", "{}"), code: "NETWORK" },
  {
    what: "a length and pieces at once",
    answer: raw(ok, "content-length: 2", "transfer-encoding: chunked", "", "{}"),
    code: "NETWORK",
  },
  { what: "what is no HTTP", answer: raw("220 mail.example ESMTP", ""), code: "NETWORK" },
  { what: "an endless answer", answer: (_q, a) => endless(a), code: "LIMIT" },
  { what: "endless headers", answer: ({ socket }) => endlessHeaders(socket), code: "NETWORK" },
  {
    what: "an answer that is cut off",
    answer: (_q, a) => {
      a.writeHead(200, { "content-length": "10" });
      a.write("{", () => a.destroy());
    },
    code: "NETWORK",
  },
  { what: "a closed connection", answer: ({ socket }) => socket.destroy(), code: "NETWORK" },
  { what: "a reset before the headers", answer: reset(), code: "NETWORK" },
  { what: "a reset within the headers", answer: reset(ok, "content-le"), code: "NETWORK" },
  { what: "a reset after the headers", answer: reset(ok, "content-length: 10", "", ""), code: "NETWORK" },
  { what: "a reset within the body", answer: reset(ok, "content-length: 10", "", "{"), code: "NETWORK" },
  {
    what: "a reset within a body in pieces",
    answer: reset(ok, "transfer-encoding: chunked", "", "1", "{", ""),
    code: "NETWORK",
  },
  { what: "silence", answer: () => undefined, code: "TIMEOUT", waits: true },
  {
    what: "a byte now and then",
    answer: (_q, a) => void setInterval(() => a.write(" "), 20).unref(),
    code: "TIMEOUT",
    waits: true,
  },
  {
    what: "a header now and then",
    answer: ({ socket }) => {
      socket.write(`${ok}\r\n`);
      setInterval(() => socket.write("x: y\r\n"), 20).unref();
    },
    code: "TIMEOUT",
    waits: true,
  },
  {
    what: "a 304 that nobody asked for",
    answer: (q, a) => {
      delete q.headers["if-none-match"];
      a.writeHead(304).end();
    },
    // On the timestamp it is an answer to our ETag: nothing new.
    code: { timestamp: "", "": "HTTP" },
  },
];

/** The code of a fault in some place. */
export function codeOf({ code }: Fault, place: string): string {
  return typeof code === "string" ? code : (code[place] ?? code[""] ?? "");
}

export function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, " ")));
  };
  response.on("drain", more);
  more();
}

function endlessHeaders(socket: IncomingMessage["socket"]): void {
  socket.write(`${ok}\r\n`);
  const more = (): void => {
    while (!socket.destroyed && socket.write(`x: ${"y".repeat(1000)}\r\n`.repeat(60)));
  };
  socket.on("drain", more).on("error", () => undefined);
  more();
}
