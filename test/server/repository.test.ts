import { mkdir, symlink, writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newSigner } from "#publish/signer.ts";
import { initRepository } from "#publish/repository.ts";
import { signPolicy } from "#publish/proposal.ts";
import { addSignature, roleIn } from "#publish/proposal-file.ts";
import { openClient } from "#trust/client.ts";
import { folder, get, server, sharedServer } from "./harness.ts";

const running = sharedServer();

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Exactly this path on the wire: fetch would tidy it up first. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { hostname, port } = new URL(running().url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, method, headers }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on("error", reject).end();
  });
}

const put = async (name: string, content: string): Promise<void> => {
  const file = join(running().paths.repo, name);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, content);
};

test("files are served as they are: what is versioned for ever, timestamp.json with an ETag", async () => {
  await put("7.targets.json", '{"seven":7}');
  await put(`targets/${"ab".repeat(32)}.policy.json`, "packed");
  await put("timestamp.json", "{}");
  const versioned = await ask("/repo/7.targets.json", { "accept-encoding": "gzip, br" });
  expect(versioned).toMatchObject({ status: 200, body: '{"seven":7}' });
  expect(versioned.headers).toMatchObject({
    "content-type": "application/json",
    "content-length": "11",
    "cache-control": "public, max-age=31536000, immutable",
  });
  expect(versioned.headers["content-encoding"]).toBeUndefined();
  expect(await ask(`/repo/targets/${"ab".repeat(32)}.policy.json`)).toMatchObject({ status: 200, body: "packed" });

  const first = await ask("/repo/timestamp.json");
  expect(first).toMatchObject({ status: 200, body: "{}", headers: { "cache-control": "no-cache" } });
  const etag = first.headers.etag ?? "";
  expect(await ask("/repo/timestamp.json", { "if-none-match": etag })).toMatchObject({ status: 304, body: "" });
  await put("timestamp.json", '{"version":2}');
  const second = await ask("/repo/timestamp.json", { "if-none-match": etag });
  expect(second).toMatchObject({ status: 200, body: '{"version":2}' });
  expect(second.headers.etag).not.toBe(etag);
});

test("a large file arrives whole, and HEAD sends none of it", async () => {
  const large = "0123456789abcdef".repeat(200_000);
  await put(`targets/${"cd".repeat(32)}.catalog.json`, large);
  const path = `/repo/targets/${"cd".repeat(32)}.catalog.json`;
  expect((await ask(path)).body === large).toBe(true);
  expect(await ask(path, {}, "HEAD")).toMatchObject({ body: "", headers: { "content-length": String(large.length) } });
  await put("1.empty.json", "");
  expect(await ask("/repo/1.empty.json")).toMatchObject({ status: 200, body: "" });
});

test("nothing outside the folder, no folder, no link and no hidden file is served", async () => {
  const { paths, adminToken } = running();
  await put("sub/1.a.json", "x");
  await put(".hidden", "x");
  await symlink(paths.adminToken, join(paths.repo, "1.link.json"));
  await symlink(join(paths.repo, ".."), join(paths.repo, "up"));
  const tries = [
    "/repo/../admin.token",
    "/repo/..%2fadmin.token",
    "/repo/%2e%2e/admin.token",
    "/repo/%2e%2e%2fadmin.token",
    "/repo/sub/../../admin.token",
    "/repo/..\\admin.token",
    "/repo/..%5cadmin.token",
    "/repo/%252e%252e/admin.token",
    `/repo/${encodeURIComponent(paths.adminToken)}`,
    `/repo//${paths.adminToken}`,
    "/repo/./timestamp.json/../../admin.token",
    "/repo/1.link.json",
    "/repo/up/admin.token",
    "/repo/sub",
    "/repo/sub/",
    "/repo/",
    "/repo",
    "/repo/.hidden",
    "/repo/admin.token%00.json",
    "/repo/%",
    "/repo/%c0%ae%c0%ae/admin.token",
    `/repo/${"a/".repeat(20)}a`,
    `/repo/${"a".repeat(4000)}`,
    "/admin.token",
  ];
  for (const path of tries) {
    const { status, body } = await ask(path);
    expect([path, status === 400 ? 404 : status]).toEqual([path, 404]);
    expect(body).not.toContain(adminToken);
  }
});

test("a pushed proposal that enough have signed reaches a device; a repeated, cut or unsigned one is refused", async () => {
  const here = await server();
  const { repo: dir, keys: keysDir } = here.paths;
  const push = async (body: string): Promise<unknown[]> => {
    const answer = await fetch(`${here.url}/api/v1/proposals`, { method: "POST", body });
    const told = (await answer.json()) as { error?: { code: string }; targets?: number };
    return [answer.status, told.error?.code ?? told.targets];
  };
  expect(await push("{}")).toEqual([503, "no-repository"]);
  const [key, stranger] = [newSigner(), newSigner()];
  const { root } = await initRepository({ dir, keysDir, key, clock: here.clock });
  expect((await get(`${here.url}/readyz`)).body).toEqual({ ok: true, database: true, repository: true });
  const policy = Buffer.from(JSON.stringify({ name: "first", bans: [], allowEmpty: true }));
  const catalog = Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] }));
  const proposal = await signPolicy({
    repo: `${here.url}/repo/`,
    root,
    policy,
    catalog,
    key,
    clock: here.clock,
  });
  const text = JSON.stringify(proposal);

  expect(await push(text.slice(0, -9))).toEqual([400, "invalid"]);
  expect(await push("[]")).toEqual([400, "invalid"]);
  const { signed } = roleIn(proposal, "targets") ?? { signed: {} };
  const unsigned = { ...proposal, roles: { targets: { signed, signatures: [] } } };
  expect(await push(JSON.stringify(unsigned))).toEqual([422, "untrusted"]);
  const foreign = await addSignature(unsigned, ["targets"], stranger);
  expect(await push(JSON.stringify(foreign))).toEqual([422, "untrusted"]);
  expect(await push(text)).toEqual([200, 2]);
  expect(await push(text)).toEqual([409, "untrusted"]);

  const client = openClient({
    dir: await folder(),
    url: `${here.url}/repo/`,
    bootstrap: root,
    clock: here.clock,
    groups: [],
    shard: undefined,
  });
  const generation = await client.refresh(new AbortController().signal);
  expect(Buffer.from(generation.policy).toString()).toBe(policy.toString());
});

test("at its start a server signs the timestamp of its repository again", async () => {
  const data = join(await folder(), "data");
  const clock = { now: () => running().clock.now() };
  const { repo: dir, keys: keysDir } = { repo: join(data, "repo"), keys: join(data, "keys") };
  await initRepository({ dir, keysDir, key: newSigner(), clock });
  const here = await server({ data });
  const { body } = await get(`${here.url}/repo/timestamp.json`);
  await expect
    .poll(
      async () =>
        ((await get(`${here.url}/repo/timestamp.json`)).body as { signed: { version: number } }).signed.version,
    )
    .toBe(2);
  expect(body).toHaveProperty("signatures");
});
