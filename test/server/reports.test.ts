import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SignJWT } from "jose";
import { uuid7 } from "#lib/uuid7.ts";
import { reportAnswerSchema, reportLimits } from "#protocol/report.ts";
import { openIdentity } from "#report/identity.ts";
import { ServerLink } from "#report/link.ts";
import { sign } from "#report/sign.ts";
import { enrolled, folder, get, sharedServer, spooled, TestClock, type TestServer } from "./harness.ts";

const path = "/api/v1/reports";
const running = sharedServer();

interface Listed {
  readonly device: string;
  readonly event: unknown;
}

/** What the server has from one device. */
async function reportsOf({ url, adminToken }: TestServer, device: string): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for (let since = 0, more = true; more;) {
    const { body } = await get(`${url}${path}?since=${since}`, adminToken);
    const page = body as { reports: Listed[]; next: number };
    found.push(...page.reports.filter((r) => r.device === device));
    more = page.next > since;
    since = page.next;
  }
  return found;
}

const post = (url: string, body: string, proof?: string): Promise<Response> =>
  fetch(url + path, { method: "POST", body, headers: proof === undefined ? {} : { "edict-proof": proof } });

async function codeOf(answer: Response): Promise<string | undefined> {
  const body = (await answer.json()) as { error?: { code: string }; refused?: { code: string }[] };
  return body.error?.code ?? body.refused?.[0]?.code;
}

test("a report that is sent twice, or twice in one batch, is stored once", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const event = spooled(identity.id);
  const other = spooled(identity.id);
  const first = await link.post(path, { events: [event, event] }, reportAnswerSchema);
  expect(first).toMatchObject({ stored: [event.metadata.uid, event.metadata.uid], duplicates: 1, refused: [] });
  const second = await link.post(path, { events: [event, other] }, reportAnswerSchema);
  expect(second).toMatchObject({ stored: [event.metadata.uid, other.metadata.uid], duplicates: 1 });
  expect((await reportsOf(at, identity.id)).map((r) => r.event)).toEqual([event, other]);
});

test("the same uid from two devices is two reports", async () => {
  const at = running();
  const one = await enrolled(at);
  const two = await enrolled(at);
  const event = spooled(one.identity.id);
  await one.link.post(path, { events: [event] }, reportAnswerSchema);
  await two.link.post(
    path,
    { events: [{ ...event, device: { ...event.device, uid: two.identity.id } }] },
    reportAnswerSchema,
  );
  expect(await reportsOf(at, one.identity.id)).toHaveLength(1);
  expect(await reportsOf(at, two.identity.id)).toHaveLength(1);
});

test("a wrong event is refused with its place, and the others are kept", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const good = spooled(identity.id);
  const deep = { ...spooled(identity.id), nested: JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) as unknown };
  const long = { ...spooled(identity.id), message: "x".repeat(reportLimits.eventBytes) };
  const { metadata, ...bare } = spooled(identity.id);
  const events = [
    { class_uid: 9999 },
    good,
    spooled("0".repeat(64)),
    null,
    deep,
    long,
    { ...bare, metadata: { ...metadata, uid: undefined } },
    spooled(identity.id, { uid: "00000000-0000-4000-8000-000000000000" }),
    { ...spooled(identity.id), time: 8.64e15 },
  ];
  const answer = await link.post(path, { events }, reportAnswerSchema);
  expect(answer.stored).toEqual([good.metadata.uid]);
  expect(answer.refused.map((r) => [r.index, r.code])).toEqual([
    [0, "invalid"],
    [2, "other-device"],
    [3, "invalid"],
    [4, "too-deep"],
    [5, "too-large"],
    [6, "invalid"],
    [7, "invalid"],
    [8, "invalid"],
  ]);
  expect((await reportsOf(at, identity.id)).map((r) => r.event)).toEqual([good]);
});

test("characters that databases dislike are stored as they came", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const event = { ...spooled(identity.id), message: "nul \0, lone \u{d800}, 漢字 🦊 ' -- \\ \u202e" };
  expect((await link.post(path, { events: [event] }, reportAnswerSchema)).stored).toHaveLength(1);
  expect((await reportsOf(at, identity.id))[0]?.event).toEqual(event);
});

test("reports are read in pages that miss none", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const events = Array.from({ length: 7 }, () => spooled(identity.id));
  await link.post(path, { events }, reportAnswerSchema);
  const read = async (since: number, limit: number): Promise<{ reports: Listed[]; next: number }> =>
    (await get(`${at.url}${path}?since=${since}&limit=${limit}`, at.adminToken)).body as never;
  const all = await read(0, 200);
  const pages = [];
  for (let since = 0, pageCount = 0; pageCount < all.reports.length; pageCount += 1) {
    const page = await read(since, 3);
    pages.push(...page.reports);
    since = page.next;
  }
  expect(pages).toEqual(all.reports);
  expect(pages.filter((r) => r.device === identity.id).map((r) => r.event)).toEqual(events);
  expect((await get(`${at.url}${path}?limit=100000`, at.adminToken)).status).toBe(400);
});

async function given() {
  const at = running();
  const { identity } = await enrolled(at);
  const body = JSON.stringify({ events: [spooled(identity.id)] });
  const jti = uuid7(at.clock);
  const proof = (
    over: { path?: string; body?: string; method?: "GET" | "POST" } = {},
    as = identity,
    now = at.clock.now(),
  ) =>
    sign(
      { method: over.method ?? "POST", path: over.path ?? path, body: Buffer.from(over.body ?? body) },
      as,
      jti(),
      now,
    );
  return { at, identity, body, proof, jti };
}

describe("a request is believed only with this device's own signature over it, now, and once", () => {
  test("the right proof is taken, and the same one again is not", async () => {
    const { at, body, proof } = await given();
    const once = await proof();
    expect((await post(at.url, body, once)).status).toBe(200);
    const again = await post(at.url, body, once);
    expect([again.status, await codeOf(again)]).toEqual([401, "bad-proof"]);
  });

  test("a proof of another method, path, query or body is refused", async () => {
    const { at, body, proof } = await given();
    for (const over of [
      { method: "GET" as const },
      { path: "/api/v1/requests" },
      { path: `${path}?x=1` },
      { body: "{}" },
    ]) {
      const answer = await post(at.url, body, await proof(over));
      expect([over, answer.status, await codeOf(answer)]).toEqual([over, 401, "bad-proof"]);
    }
  });

  test("an old or early proof is refused with the server's time", async () => {
    const { at, body, proof, identity } = await given();
    for (const ms of [-120_000, 120_000]) {
      const clock = new TestClock();
      clock.advance(ms);
      const answer = await post(at.url, body, await proof({}, identity, clock.at));
      expect([answer.status, await codeOf(answer)]).toEqual([401, "clock"]);
    }
  });

  test("a proof by another device's key, an unknown key, no key or no signature is refused", async () => {
    const { at, body, proof, identity, jti } = await given();
    const other = await enrolled(at);
    const stranger = await openIdentity(await folder());
    const claims = { htm: "POST", htu: path, body: createHash("sha256").update(body).digest("base64url") };
    const iat = at.clock.now() / 1000;
    const forged = new SignJWT({ ...claims, iss: identity.id, iat, exp: iat + 60, jti: jti() });
    const hmac = await new SignJWT({ ...claims, iss: identity.id, iat, exp: iat + 60, jti: jti() })
      .setProtectedHeader({ alg: "HS256", typ: "edict-proof+jwt" })
      .sign(Buffer.from(identity.publicKey, "base64url"));
    const long = await new SignJWT({ ...claims, iss: identity.id, iat, exp: iat + 3600, jti: jti() })
      .setProtectedHeader({ alg: "EdDSA", typ: "edict-proof+jwt" })
      .sign(identity.key);
    const untyped = await new SignJWT({ ...claims, iss: identity.id, iat, exp: iat + 60, jti: jti() })
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(identity.key);
    const [head, payload] = (await proof()).split(".");
    const none = `${Buffer.from('{"alg":"none","typ":"edict-proof+jwt"}').toString("base64url")}.${payload}.`;
    const cases: [string, string | undefined, string][] = [
      ["signed by another enrolled device in its own name", await proof({}, other.identity), "other-device"],
      [
        "signed by another enrolled device in this one's name",
        await forged.setProtectedHeader({ alg: "EdDSA", typ: "edict-proof+jwt" }).sign(other.identity.key),
        "bad-proof",
      ],
      ["by a key that was never enrolled", await proof({}, stranger), "unknown-device"],
      ["with an HMAC over the public key", hmac, "bad-proof"],
      ["valid for an hour", long, "bad-proof"],
      ["of another type", untyped, "bad-proof"],
      ["alg none", none, "bad-proof"],
      ["cut", `${head}.${payload}`, "bad-proof"],
      ["garbage", "....", "bad-proof"],
      ["far too long", `${"a".repeat(5000)}.b.c`, "bad-proof"],
      ["missing", undefined, "bad-proof"],
    ];
    for (const [name, token, code] of cases) {
      const answer = await post(at.url, body, token);
      expect([name, answer.status, await codeOf(answer)]).toEqual([name, code === "other-device" ? 200 : 401, code]);
    }
    expect(await reportsOf(at, identity.id)).toEqual([]);
  });
});

test("a device whose clock is years off still reports: it takes the server's time for its signatures", async () => {
  const at = running();
  const { identity } = await enrolled(at);
  const clock = new TestClock();
  clock.advance(-20 * 365 * 86_400_000);
  const link = new ServerLink({ server: at.url, identity, clock });
  const answer = await link.post(path, { events: [spooled(identity.id)] }, reportAnswerSchema);
  link.close();
  expect(answer.stored).toHaveLength(1);
});
