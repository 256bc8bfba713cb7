import { createHash } from "node:crypto";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { exceptionRequestSchema, reportAnswerSchema, requestAnswerSchema } from "#protocol/report.ts";
import { enrol } from "#report/enrol.ts";
import { openIdentity } from "#report/identity.ts";
import { sign } from "#report/sign.ts";
import { operations } from "#server/routes/openapi.ts";
import { enrolled, folder, get, sharedServer, spooled } from "./harness.ts";

const running = sharedServer();

test("every route of the OpenAPI document answers, and none that needs somebody answers to nobody", async () => {
  const { url } = running();
  const { body } = await get(`${url}/openapi.json`);
  const document = body as { openapi: string; paths: Record<string, Record<string, unknown>> };
  expect(document.openapi).toBe("3.1.0");
  const statuses: Record<string, number> = {};
  for (const [path, methods] of Object.entries(document.paths))
    for (const method of Object.keys(methods)) {
      const answer = await fetch(url + path, {
        method: method.toUpperCase(),
        ...(method === "post" && { body: "{}" }),
      });
      statuses[`${method} ${path}`] = answer.status;
      await answer.arrayBuffer();
    }
  expect(statuses).toEqual({
    "post /api/v1/enrol": 403,
    "post /api/v1/reports": 401,
    "post /api/v1/requests": 401,
    "post /api/v1/wake": 401,
    "post /api/v1/proposals": 503,
    "post /api/v1/exceptions": 401,
    "delete /api/v1/exceptions": 401,
    "get /api/v1/devices": 401,
    "get /api/v1/reports": 401,
    "get /api/v1/requests": 401,
    "get /healthz": 200,
    "get /readyz": 503,
    "get /metrics": 200,
  });
  expect(Object.keys(statuses)).toHaveLength(operations.length);
});

test("a device enrols with the secret and its own key; again is harmless, and a wrong secret is refused", async () => {
  const at = running();
  const dir = await folder();
  const options = { server: at.url, dir, clock: at.clock, os: "linux", hostname: "bell\u0007\n-laptop" } as const;
  await expect(enrol({ ...options, secret: "x".repeat(43) })).rejects.toMatchObject({ code: "REFUSED" });
  const first = await enrol({ ...options, secret: at.enrolSecret });
  const again = await enrol({ ...options, secret: `${at.enrolSecret}\n` });
  expect(again.id).toBe(first.id);
  const { body } = await get(`${at.url}/api/v1/devices?limit=1000`, at.adminToken);
  const listed = (body as { devices: { id: string }[] }).devices.filter((d) => d.id === first.id);
  expect(listed).toMatchObject([{ hostname: "bell-laptop", os: "linux", enrolledAt: "2026-07-10T00:00:00Z" }]);
});

test("somebody else's key cannot be enrolled: the request is signed with the key that it brings", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const other = await enrolled(at);
  const body = { publicKey: other.identity.publicKey, os: "linux", agentVersion: "1" };
  const post = link.post("/api/v1/enrol", body, reportAnswerSchema, { authorization: `Bearer ${at.enrolSecret}` });
  await expect(post).rejects.toMatchObject({ code: "REFUSED" });
  expect(identity.id).not.toBe(other.identity.id);
});

test("a key cannot be enrolled under another device's name", async () => {
  const at = running();
  const { identity } = await enrolled(at);
  const own = await openIdentity(await folder());
  const path = "/api/v1/enrol";
  const body = JSON.stringify({ publicKey: own.publicKey, os: "linux", agentVersion: "1" });
  const jti = spooled(identity.id).metadata.uid ?? "";
  const request = { method: "POST", path, body: Buffer.from(body) } as const;
  const proof = await sign(request, { ...own, id: identity.id }, jti, at.clock.now());
  const headers = { authorization: `Bearer ${at.enrolSecret}`, "edict-proof": proof };
  expect((await fetch(at.url + path, { method: "POST", body, headers })).status).toBe(401);
});

test("a request for an exception is stored once, and listed", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const id = spooled(identity.id).metadata.uid;
  const request = exceptionRequestSchema.parse({
    id,
    ban: "claude-code",
    person: "ann",
    reason: "The demo on Friday needs it",
    at: "2026-07-10T08:00:00+08:00",
  });
  expect(await link.post("/api/v1/requests", request, requestAnswerSchema)).toEqual({ id, created: true });
  expect(await link.post("/api/v1/requests", request, requestAnswerSchema)).toEqual({ id, created: false });
  const { body } = await get(`${at.url}/api/v1/requests`, at.adminToken);
  const { requests } = body as { requests: { id: string }[] };
  expect(requests.filter((r) => r.id === id)).toMatchObject([
    { ...request, at: "2026-07-10T00:00:00.000Z", device: identity.id },
  ]);
});

test("the console shows devices, reports and requests to the token's holder, and nothing to anybody else", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const bad = '<script>alert(1)</script><img src=x onerror="alert(2)">';
  await link.post("/api/v1/reports", { events: [{ ...spooled(identity.id), message: bad }] }, reportAnswerSchema);
  const closed = await fetch(`${at.url}/`);
  expect(closed.status).toBe(401);
  expect(await closed.text()).not.toContain("ann-laptop");
  expect((await fetch(`${at.url}/?token=wrong`)).status).toBe(401);

  const entered = await fetch(`${at.url}/?token=${at.adminToken}`, { redirect: "manual" });
  expect([entered.status, entered.headers.get("location")]).toEqual([303, "/"]);
  const cookie = entered.headers.get("set-cookie") ?? "";
  expect(cookie).toContain("HttpOnly");
  expect(cookie).toContain("SameSite=Strict");
  expect(cookie).not.toContain(at.adminToken);
  const typed = await fetch(`${at.url}/login`, {
    method: "POST",
    body: new URLSearchParams({ token: at.adminToken }),
    redirect: "manual",
  });
  expect(typed.status).toBe(303);

  const open = await fetch(`${at.url}/`, { headers: { cookie: cookie.split(";")[0] ?? "" } });
  const page = await open.text();
  expect(open.status).toBe(200);
  expect(page).toContain("ann-laptop");
  expect(page).toContain("&lt;script&gt;alert(1)");
  expect(page).not.toContain("<script>");
  expect(page).not.toContain("<img");
  const csp = open.headers.get("content-security-policy") ?? "";
  expect(csp).toContain("default-src 'none'");
  expect(csp).not.toContain("unsafe");
  expect(open.headers.get("cache-control")).toBe("no-store");
});

test("the console's own style is the only one that its policy lets in", async () => {
  const answer = await fetch(`${running().url}/`);
  const style = (await answer.text()).split("<style>")[1]?.split("</style>")[0] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  expect(style.length).toBeGreaterThan(100);
  expect(answer.headers.get("content-security-policy")).toContain(`'sha256-${hash}'`);
});

test("a body past its bound is refused before it is read, announced or not", async () => {
  const at = running();
  const { identity } = await enrolled(at);
  const proof = await sign(
    { method: "POST", path: "/api/v1/reports", body: Buffer.of() },
    identity,
    spooled(identity.id).metadata.uid ?? "",
    at.clock.now(),
  );
  const { hostname, port } = new URL(at.url);
  const head = `POST /api/v1/reports HTTP/1.1\r\nhost: x\r\nedict-proof: ${proof}\r\n`;
  for (const framing of ["content-length: 99999999999\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"]) {
    const socket = connect(Number(port), hostname);
    let answer = "";
    let sent = 0;
    socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
    socket.on("error", () => undefined);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const pour = (): void => {
      if (socket.destroyed || sent > 200) return;
      sent += 1;
      socket.write(chunk, () => setImmediate(pour));
    };
    socket.write(head + framing, pour);
    await new Promise((resolve) => socket.on("close", resolve));
    expect(answer).toContain(" 413 ");
    expect(answer).toContain("too-large");
  }
});

test("a device that asks too often is told to wait, and others are not", async () => {
  const at = running();
  const greedy = await enrolled(at);
  const modest = await enrolled(at);
  const post = ({ link, identity }: typeof greedy) =>
    link.post("/api/v1/reports", { events: [spooled(identity.id)] }, reportAnswerSchema).then(
      () => "taken",
      (error: { code: string; retryAfterMs?: number }) => `${error.code} ${String((error.retryAfterMs ?? 0) > 0)}`,
    );
  const answers: string[] = [];
  for (let i = 0; i < 210; i += 1) answers.push(await post(greedy));
  expect(answers.filter((a) => a === "taken")).toHaveLength(200);
  expect(answers.at(-1)).toBe("REFUSED true");
  expect(await post(modest)).toBe("taken");
  at.clock.advance(10_000);
  expect(await post(greedy)).toBe("taken");
});

test("figures count what was stored, repeated and refused, and name no device", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const event = spooled(identity.id);
  await link.post("/api/v1/reports", { events: [event, event, {}] }, reportAnswerSchema);
  await fetch(`${at.url}/${"made-up-".repeat(10)}`);
  const text = await (await fetch(`${at.url}/metrics`)).text();
  expect(text).toMatch(/edict_reports_total\{result="duplicate"\} \d/);
  expect(text).toMatch(/edict_devices \d/);
  expect(text).toContain('route="/api/v1/reports"');
  expect(text).not.toContain(identity.id);
  expect(text).not.toContain("made-up");
});
