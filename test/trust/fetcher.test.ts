import type { RequestListener } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { HttpClient, RequestError } from "#lib/request.ts";
import { Deadline, HttpFetcher, type HttpFetcherOptions } from "#trust/fetcher.ts";
import { serve, type Web } from "../lib/web.ts";

// How a repository's files are asked for, and what is made of the answers.

interface Fetching {
  readonly web: Web;
  readonly fetcher: HttpFetcher;
}

async function fetching(answer: RequestListener, options: Partial<HttpFetcherOptions> = {}): Promise<Fetching> {
  const web = await serve(answer);
  const http = new HttpClient();
  onTestFinished(() => http.close());
  const urls = { metadataUrl: `${web.url}m/`, targetsUrl: `${web.url}t/` };
  return { web, fetcher: new HttpFetcher({ http, ...urls, timeoutMs: 30_000, ...options }) };
}

/** A server that says nothing but this. */
const saying =
  (status: number, body = "", headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

/** The clock by which deadlines are measured, until the test is over. */
function clock(): { at: number } {
  const time = { at: 1_000 };
  const spy = vi.spyOn(performance, "now").mockImplementation(() => time.at);
  onTestFinished(() => spy.mockRestore());
  return time;
}

test("a deadline is over when its time is, and a target adds what it is worth on a slow line", () => {
  const time = clock();
  const deadline = new Deadline(500);
  expect(deadline.left("x")).toBe(500);
  time.at = 1_499;
  expect(deadline.left("x")).toBe(1);
  time.at = 1_500;
  const over = { code: "TIMEOUT", file: "x", message: "x: the server took longer than it may" };
  expect(() => deadline.left("x")).toThrow(expect.objectContaining(over));
  deadline.allowFor(32 * 1024);
  expect(deadline.left("x")).toBe(1_000);
  time.at = 2_501;
  expect(() => deadline.left("x")).toThrow(expect.objectContaining(over));
});

test("all that one refresh asks for has one deadline", async () => {
  const time = clock();
  const { web, fetcher } = await fetching(saying(200, "{}"), { timeoutMs: 1_000 });
  await fetcher.metadata("1.root.json", 2);
  time.at = 2_000;
  await expect(fetcher.metadata("2.root.json", 2)).rejects.toMatchObject({ code: "TIMEOUT", file: "2.root.json" });
  await expect(fetcher.timestamp(2, undefined)).rejects.toMatchObject({ code: "TIMEOUT", file: "timestamp.json" });
  await expect(fetcher.target("x", 0)).rejects.toMatchObject({ code: "TIMEOUT", file: "x" });
  expect(web.asked).toEqual(["GET /m/1.root.json"]);
  expect(String(await fetcher.target("x", 1_000_000))).toBe("{}");
});

test("metadata is asked for by its name, as one name, and there is none where the server has none", async () => {
  const answers = new Map([
    ["/m/1.a%2F..%3Fb.json", saying(200, "{}")],
    ["/m/forbidden", saying(403)],
  ]);
  const { fetcher } = await fetching((request, response) =>
    (answers.get(request.url ?? "") ?? saying(404))(request, response),
  );
  expect(String(await fetcher.metadata("1.a/..?b.json", 2))).toBe("{}");
  expect(await fetcher.metadata("forbidden", 2)).toBeUndefined();
  expect(await fetcher.metadata("none", 2)).toBeUndefined();
  await expect(fetcher.target("none", 2)).rejects.toMatchObject({ code: "HTTP", seen: 404 });
});

test("a timestamp is asked for by the ETag of the one that is here", async () => {
  const { web, fetcher } = await fetching((request, response) =>
    saying(request.headers["if-none-match"] === '"1"' ? 304 : 200, "{}", { etag: '"1"' })(request, response),
  );
  expect(await fetcher.timestamp(2, undefined)).toEqual({ bytes: Buffer.from("{}"), etag: '"1"' });
  expect(await fetcher.timestamp(2, '"0"')).toEqual({ bytes: Buffer.from("{}"), etag: '"1"' });
  expect(await fetcher.timestamp(2, '"1"')).toBe("unchanged");
  expect(new Set(web.asked)).toEqual(new Set(["GET /m/timestamp.json"]));
});

test("a target is asked for by its path", async () => {
  const { web, fetcher } = await fetching(saying(200, "{}"));
  for (const name of ["a/b c/ü?.json", "...", "a/.b/c..d"]) expect(String(await fetcher.target(name, 2))).toBe("{}");
  expect(web.asked).toEqual(["GET /t/a/b%20c/%C3%BC%3F.json", "GET /t/...", "GET /t/a/.b/c..d"]);
});

test.each(["", "/a", "a/", "a//b", ".", "./a", "a/.", "..", "../a", "a/..", "a/../b"])(
  "%j is no target's path, and is not asked for",
  async (name) => {
    const { web, fetcher } = await fetching(saying(200, "{}"));
    await expect(fetcher.target(name, 2)).rejects.toMatchObject({
      code: "FORMAT",
      file: name,
      message: `"${name}" is not a target's path`,
    });
    expect(web.asked).toEqual([]);
  },
);

test.each([204, 206, 400, 500])("status %i is no answer", async (status) => {
  const { fetcher } = await fetching(saying(status));
  const refused = { code: "HTTP", seen: status, wanted: 200 };
  const message = `the server answered with status ${status}`;
  await expect(fetcher.target("x", 2)).rejects.toMatchObject({ ...refused, file: "x", message: `x: ${message}` });
  await expect(fetcher.timestamp(2, '"1"')).rejects.toMatchObject({ ...refused, file: "timestamp.json" });
  await expect(fetcher.metadata("1.root.json", 2)).rejects.toMatchObject({ ...refused, file: "1.root.json" });
});

test.each<[what: string, answer: RequestListener, options: Partial<HttpFetcherOptions>, code: string]>([
  ["a byte too many", saying(200, "{} "), {}, "LIMIT"],
  ["nothing in time", () => undefined, { timeoutMs: 50 }, "TIMEOUT"],
  ["a closed connection", (request) => void request.socket.destroy(), {}, "NETWORK"],
  ["nothing any more, for it was given up", () => undefined, { signal: AbortSignal.abort() }, "NETWORK"],
  ["another place", saying(302, "", { location: "/" }), {}, "HTTP"],
  ["a compressed answer", saying(200, "{}", { "content-encoding": "gzip" }), {}, "HTTP"],
  ["an address without encryption", saying(200), { metadataUrl: "http://example.invalid/" }, "HTTP"],
])("who gets %s gets an error with its code", async (_what, answer, options, code) => {
  const { fetcher } = await fetching(answer, options);
  await expect(fetcher.metadata("1.root.json", 2)).rejects.toMatchObject({
    name: "TrustError",
    code,
    file: "1.root.json",
    cause: expect.any(RequestError),
  });
});
