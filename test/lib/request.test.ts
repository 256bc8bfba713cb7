import { execFile } from "node:child_process";
import type { ServerResponse } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { HttpClient, isLoopback, type Ask } from "#lib/request.ts";
import { serve } from "./web.ts";

function client(): HttpClient {
  const made = new HttpClient();
  onTestFinished(() => made.close());
  return made;
}
const ask: Ask = { maxBytes: 1000, timeoutMs: 5000 };

test("an answer arrives whole, with its ETag", async () => {
  const web = await serve((_q, a) => a.setHeader("etag", '"1"').end("hello"));
  const reply = await client().request(web.url, ask);
  expect([reply.status, reply.bytes.toString(), reply.etag]).toEqual([200, "hello", '"1"']);
});

test("a body is posted with its length", async () => {
  const web = await serve(
    (q, a) => void q.toArray().then((p) => a.end(`${q.headers["content-length"]} ${p.join("")}`)),
  );
  const reply = await client().request(web.url, { ...ask, method: "POST", body: Buffer.from("abc") });
  expect(reply.bytes.toString()).toBe("3 abc");
});

test("two requests share one connection", async () => {
  const web = await serve((_q, a) => a.end("x"));
  const http = client();
  await http.request(web.url, ask);
  await http.request(web.url, ask);
  expect(web.connections()).toBe(1);
});

test("an error status is an answer, and its long page is cut at the limit", async () => {
  const web = await serve((_q, a) => a.writeHead(404).end("x".repeat(100_000)));
  const reply = await client().request(web.url, ask);
  expect(reply.status).toBe(404);
  expect(reply.bytes.length).toBeLessThanOrEqual(1000);
});

test("304 is an answer only to a request that named an ETag", async () => {
  const web = await serve((_q, a) => a.writeHead(304).end());
  expect((await client().request(web.url, { ...ask, etag: '"1"' })).status).toBe(304);
  await expect(client().request(web.url, ask)).rejects.toMatchObject({ code: "redirect" });
});

test.each([
  ["a redirect", "redirect", (a: ServerResponse) => a.writeHead(302, { location: "/other" }).end()],
  ["a compressed answer", "encoding", (a: ServerResponse) => a.writeHead(200, { "content-encoding": "gzip" }).end("x")],
  [
    "an announced length over the limit",
    "limit",
    (a: ServerResponse) => a.writeHead(200, { "content-length": "1001" }).write("x"),
  ],
  ["an endless answer", "limit", (a: ServerResponse) => void setInterval(() => a.write("x".repeat(400)), 1).unref()],
  [
    "an answer that is cut off",
    "network",
    (a: ServerResponse) => {
      a.writeHead(200, { "content-length": "10" });
      a.write("x", () => a.destroy());
    },
  ],
  ["a connection that is closed without an answer", "network", (a: ServerResponse) => a.destroy()],
])("%s is refused as %s", async (_name, code, answer: (a: ServerResponse) => unknown) => {
  const web = await serve((_q, a) => {
    answer(a);
  });
  await expect(client().request(web.url, ask)).rejects.toMatchObject({ name: "RequestError", code });
  expect(web.asked.every((line) => line === "GET /")).toBe(true);
});

test("a server that trickles cannot stretch the deadline", async () => {
  const web = await serve((_q, a) => void setInterval(() => a.write("x"), 10).unref());
  await expect(client().request(web.url, { ...ask, timeoutMs: 200 })).rejects.toMatchObject({ code: "timeout" });
});

test("a caller can give up, and is told apart from the deadline", async () => {
  const stop = new AbortController();
  const web = await serve(() => stop.abort());
  await expect(client().request(web.url, { ...ask, signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
});

test("nobody listening is a network failure that says so", async () => {
  await expect(client().request("http://127.0.0.1:1/", ask)).rejects.toMatchObject({ code: "network" });
});

test("a kept connection that the server closed is opened again", async () => {
  let count = 0;
  const web = await serve((q, a) => {
    count += 1;
    if (count === 2) q.socket.destroy();
    else a.end(String(count));
  });
  const http = client();
  await http.request(web.url, ask);
  expect((await http.request(web.url, ask)).bytes.toString()).toBe("3");
});

test.each(["http://example.com/", "ftp://127.0.0.1/", "file:///etc/passwd", "nonsense"])(
  "%s is not asked",
  async (url) => {
    await expect(client().request(url, ask)).rejects.toMatchObject({ code: "address" });
  },
);

test.each([
  ["127.0.0.1", true],
  ["127.8.8.8", true],
  ["[::1]", true],
  ["localhost", true],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["10.0.0.1", false],
])("%s is this machine: %s", (host, is) => {
  expect(isLoopback(host)).toBe(is);
});

test("an answer that comes one byte at a time takes no more memory than its bytes", async () => {
  const sent = 600_000;
  const web = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      for (let i = 0; i < sent; i += 10_000) socket.write("1\r\nx\r\n".repeat(10_000));
      socket.end("0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void web.close());
  const { port } = web.address() as AddressInfo;
  const asking = fileURLToPath(new URL("./ask.ts", import.meta.url));
  const args = ["--max-old-space-size=32", asking, `http://127.0.0.1:${port}/`, String(sent)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toBe(String(sent));
});
