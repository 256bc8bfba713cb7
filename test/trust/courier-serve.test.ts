import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { Ask, Errand } from "#trust/courier-line.ts";
import { serveCourier } from "#trust/courier-serve.ts";
import { sha256 } from "#trust/sha256.ts";
import { serve, type Web } from "../lib/web.ts";
import { Simulator } from "./simulator.ts";
import { now } from "./simulated.ts";

// What the courier makes of what it is told, in this process.

interface Serving {
  readonly line: Duplex;
  /** Resolves when the courier's life is over. */
  readonly life: Promise<void>;
  /** What it says to this: the line, and the bytes behind it. */
  readonly said: (ask: Partial<Ask>) => Promise<readonly [said: unknown, bytes: string]>;
}

async function serving(web: Pick<Web, "url">, errand: Partial<Errand> = {}): Promise<Serving> {
  const [line, other] = duplexPair();
  const life = serveCourier(other);
  const over = life.then(() => Promise.reject(new Error("the courier has ended")));
  over.catch(() => undefined);
  onTestFinished(() => void line.destroy());
  line.write(`${JSON.stringify({ metadataUrl: web.url, targetsUrl: `${web.url}targets/`, ...errand })}\n`);
  const said: Serving["said"] = async (ask) => {
    const all = { id: 1, what: "metadata", name: "1.root.json", bytes: 100_000, timeoutMs: 10_000, ...ask };
    line.write(`${JSON.stringify(all)}\n`);
    let text = "";
    for (;;) {
      const [chunk] = (await Promise.race([once(line, "data"), over])) as [Buffer];
      text += chunk.toString();
      const [first = "", ...rest] = text.split("\n");
      if (rest.length === 0) continue;
      const found = JSON.parse(first) as { readonly length?: number };
      const bytes = rest.join("\n");
      if (bytes.length === (found.length ?? 0)) return [found, bytes];
    }
  };
  return { line, life, said };
}

/** A repository with one target and one delegated role of a name that is easily taken for another. */
async function published(): Promise<{ readonly web: Web; readonly files: Map<string, Buffer> }> {
  const sim = new Simulator(now);
  sim.root.version = 10;
  await sim.writeRoot();
  sim.targets.targets.set("policy.json", Buffer.from("no metadata at all"));
  sim.delegate("targets", "ro1.ot");
  const files = await sim.files();
  const web = await serve((request, response) => {
    const bytes = files.get(decodeURIComponent(request.url ?? "").slice(1));
    if (bytes === undefined) return response.writeHead(404).end();
    const etag = `"${sha256(bytes)}"`;
    response.setHeader("etag", etag);
    return request.headers["if-none-match"] === etag ? response.writeHead(304).end() : response.end(bytes);
  });
  return { web, files };
}

test("what is asked for is fetched, with its length before it", async () => {
  const { web, files } = await published();
  const { said } = await serving(web);
  const target = [...files.keys()].find((name) => name.startsWith("targets/"))?.slice("targets/".length);
  for (const name of ["10.root.json", "1.snapshot.json", "1.targets.json", "1.ro1.ot.json"]) {
    const bytes = files.get(name);
    expect(await said({ id: 7, name })).toEqual([{ id: 7, length: bytes?.length }, String(bytes)]);
  }
  expect(await said({ what: "target", name: target ?? "", bytes: 18 })).toEqual([
    { id: 1, length: 18 },
    "no metadata at all",
  ]);
  expect(await said({ name: "11.root.json" })).toEqual([{ id: 1, is: "absent" }, ""]);
});

test("a timestamp comes with its ETag, and not again while it is that", async () => {
  const { web, files } = await published();
  const { said } = await serving(web);
  const bytes = String(files.get("timestamp.json"));
  const etag = `"${sha256(bytes)}"`;
  const ask = { what: "timestamp", name: "timestamp.json" } as const;
  expect(await said(ask)).toEqual([{ id: 1, length: bytes.length, etag }, bytes]);
  expect(await said({ ...ask, etag })).toEqual([{ id: 1, is: "unchanged" }, ""]);
});

test.each([
  ["10.root.json", "1.snapshot.json", "root.json: _type is not root"],
  ["root.json", "1.snapshot.json", "root.json: _type is not root"],
  ["timestamp.json", "10.root.json", "timestamp.json: _type is not timestamp"],
  ["1.snapshot.json", "1.targets.json", "snapshot.json: _type is not snapshot"],
  ["snapshot.json", "1.targets.json", "snapshot.json: _type is not snapshot"],
  ["1.targets.json", "timestamp.json", "targets.json: _type is not targets"],
  ["1.ro1.ot.json", "10.root.json", "ro1.ot.json: _type is not targets"],
  ["ro1.ot.json", "10.root.json", "ro1.ot.json: _type is not targets"],
  ["1.a.json.b.json", "10.root.json", "a.json.b.json: _type is not targets"],
])("what comes as %s and is %s is not handed over", async (name, other, message) => {
  const { web, files } = await published();
  files.set(name, files.get(other) ?? Buffer.of());
  const { said } = await serving(web);
  const what = name === "timestamp.json" ? "timestamp" : "metadata";
  expect(await said({ what, name })).toEqual([{ id: 1, error: { code: "FORMAT", message } }, ""]);
});

test.each<[what: string, ask: Partial<Ask>, code: string, message: RegExp]>([
  ["more bytes than were asked for", { bytes: 10 }, "LIMIT", /10/],
  ["a target that is not there", { what: "target", name: "none", bytes: 1 }, "HTTP", /^none: .* 404$/],
  ["a path that leaves its folder", { what: "target", name: "../x", bytes: 1 }, "FORMAT", /^"\.\.\/x" is not/],
])("%s: the answer is an error with its code", async (_what, ask, code, message) => {
  const { web, files } = await published();
  files.set("1.root.json", files.get("10.root.json") ?? Buffer.of());
  const { said } = await serving(web);
  expect(await said(ask)).toEqual([{ id: 1, error: { code, message: expect.stringMatching(message) } }, ""]);
});

test("an error is said in no more than 2,000 letters", async () => {
  const { said } = await serving({ url: "http://127.0.0.1:1/" });
  const [answer] = await said({ name: "x".repeat(5_000) });
  expect(answer).toEqual({ id: 1, error: { code: "NETWORK", message: expect.stringMatching(/^.{2000}$/) } });
});

test("a proxy that the errand names is asked", async () => {
  const { web, files } = await published();
  const asked: string[] = [];
  const proxy = await serve((request, response) => {
    asked.push(request.url ?? "");
    response.end(files.get("10.root.json"));
  });
  const { said } = await serving({ url: "http://127.0.0.1:1/" }, { proxy: proxy.url });
  await said({ name: "10.root.json" });
  expect(asked).toEqual(["http://127.0.0.1:1/10.root.json"]);
  expect(web.asked).toEqual([]);
});

test.each<[what: string, said: string]>([
  ["no errand", "{}\n"],
  ["no JSON", "hello\n"],
])("a courier that is told %s ends", async (_what, said) => {
  const [line, other] = duplexPair();
  const life = serveCourier(other);
  line.write(said);
  await expect(life).rejects.toMatchObject({ code: "FORMAT" });
  expect(other.destroyed).toBe(true);
});

test("a courier that is asked for what nobody can ask ends", async () => {
  const { line, life } = await serving(await published().then(({ web }) => web));
  line.write('{"id":1,"what":"root"}\n');
  await expect(life).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("what is none of") });
});

test("a courier ends with its line, and lets go of its connections", async () => {
  const gone = Promise.withResolvers<void>();
  const { files } = await published();
  const web = await serve((request, response) => {
    request.socket.once("end", () => gone.resolve());
    response.end(files.get("10.root.json"));
  });
  const [line, other] = duplexPair();
  const life = serveCourier(other);
  line.write(`${JSON.stringify({ metadataUrl: web.url, targetsUrl: web.url })}\n`);
  line.write('{"id":1,"what":"metadata","name":"1.root.json","bytes":10000,"timeoutMs":10000}\n');
  await once(line, "data");
  line.end();
  await life;
  expect(other.destroyed).toBe(true);
  await gone.promise;
});

test("an errand has room for every public authority's certificate, in whatever pieces it comes, and a bound", async () => {
  const { web } = await published();
  const [line, other] = duplexPair();
  const life = serveCourier(other);
  const errand = JSON.stringify({ metadataUrl: web.url, targetsUrl: web.url, ca: "x".repeat(300_000) });
  line.write(errand.slice(0, 200_000));
  line.write(`${errand.slice(200_000)}\n`);
  line.write('{"id":1,"what":"metadata","name":"11.root.json","bytes":1,"timeoutMs":10000}\n');
  const over = life.then(() => "the courier has ended");
  expect(String(await Promise.race([once(line, "data"), over]))).toBe('{"id":1,"is":"absent"}\n');
  line.write("x".repeat(2 * 1024 * 1024 + 1));
  await life;
  expect(other.destroyed).toBe(true);
});
