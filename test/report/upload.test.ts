import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { enrol } from "#report/enrol.ts";
import { openIdentity } from "#report/identity.ts";
import { ServerLink } from "#report/link.ts";
import { openOutbox, type Outbox } from "#report/outbox.ts";
import { toEvent } from "#report/ocsf.ts";
import { upload, type Upload, type UploadState } from "#report/upload.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve } from "../lib/web.ts";
import { enrolled, get, sharedServer } from "../server/harness.ts";
import { device, outcome } from "./samples.ts";

const running = sharedServer();
const backoff = { firstMs: 5, maxMs: 20 };

async function filled(events: number, id: string): Promise<Outbox> {
  const outbox = await openOutbox(await temporaryFolder(), { clock: systemClock });
  onTestFinished(() => outbox.close());
  const event = toEvent(outcome("stopped"), { ...device, id });
  if (event === undefined) throw new Error("the sample matches a ban");
  await Promise.all(Array.from({ length: events }, () => outbox.put(event)));
  return outbox;
}

/** Uploads until a state satisfies; resolves to that state, once the actor has ended. */
async function uploadUntil(options: Upload, enough: (state: UploadState) => boolean): Promise<UploadState> {
  const stop = new AbortController();
  let last: UploadState | undefined;
  await upload(
    {
      backoff,
      ...options,
      changed: (state) => {
        last = state;
        if (enough(state)) stop.abort();
      },
    },
    stop.signal,
  );
  if (last === undefined) throw new Error("nothing happened");
  return last;
}

async function strangeLink(url: string, timeoutMs = 300): Promise<ServerLink> {
  const identity = await openIdentity(await temporaryFolder());
  const link = new ServerLink({ server: url, identity, clock: systemClock, timeoutMs });
  onTestFinished(() => link.close());
  return link;
}

test("everything in the spool reaches the server once, in batches, and the spool is empty then", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const outbox = await filled(1_203, identity.id);
  const state = await uploadUntil({ outbox, link, clock: systemClock }, (s) => s.sent === 1_203);
  expect(state).toMatchObject({ sent: 1_203, refused: 0, failing: undefined });
  expect(outbox.status()).toMatchObject({ waiting: 0, bytes: 0 });
  expect((await get(`${at.url}/healthz`)).status).toBe(200);
});

test("an event that the server refuses is given up and counted, and the others get through", async () => {
  const at = running();
  const { identity, link } = await enrolled(at);
  const outbox = await filled(3, identity.id);
  const foreign = toEvent(outcome("stopped"), { ...device, id: "f".repeat(64) });
  if (foreign === undefined) throw new Error("the sample matches a ban");
  await outbox.put(foreign);
  expect(await uploadUntil({ outbox, link, clock: systemClock }, (s) => s.sent > 0)).toMatchObject({
    sent: 3,
    refused: 1,
  });
  expect(outbox.status().waiting).toBe(0);
});

test("a device that the server has forgotten enrols again, and its reports arrive", async () => {
  const at = running();
  const dir = await temporaryFolder();
  const identity = await openIdentity(dir);
  const link = new ServerLink({ server: at.url, identity, clock: at.clock });
  onTestFinished(() => link.close());
  const outbox = await filled(2, identity.id);
  let enrolments = 0;
  const options: Upload = {
    outbox,
    link,
    clock: systemClock,
    enrol: async () => {
      enrolments += 1;
      await enrol({ server: at.url, secret: at.enrolSecret, dir, clock: at.clock, os: "linux" });
    },
  };
  expect(await uploadUntil(options, (s) => s.sent === 2)).toMatchObject({ failing: undefined });
  expect(enrolments).toBe(1);
  expect(await readFile(join(dir, "enrolled.json"), "utf8")).toContain(at.url);
});

const json = (body: unknown): string => JSON.stringify(body);
const hostile: readonly (readonly [name: string, code: string, answer: RequestListener])[] = [
  ["never answers", "TIMEOUT", () => undefined],
  [
    "trickles a byte at a time for ever",
    "TIMEOUT",
    (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(timer));
    },
  ],
  ["hangs up", "NETWORK", (request) => request.socket.destroy()],
  [
    "answers with a gigabyte",
    "LIMIT",
    (_request, response) => response.writeHead(200, { "content-length": 1 << 30 }).write("x"),
  ],
  [
    "answers without an end",
    "LIMIT",
    (_request, response) => {
      const more = (): void =>
        void (response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(more)));
      more();
    },
  ],
  [
    "redirects elsewhere",
    "NETWORK",
    (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  ],
  [
    "is a portal that says 200 to everything",
    "FORMAT",
    (_request, response) => response.end("<html>Please log in</html>"),
  ],
  [
    "says 200 and stores nothing",
    "FORMAT",
    (_request, response) => response.end(json({ stored: [], duplicates: 0, refused: [] })),
  ],
  [
    "names events that were not sent",
    "FORMAT",
    (_request, response) =>
      response.end(json({ stored: ["x"], duplicates: 0, refused: [{ index: 999, code: "", message: "" }] })),
  ],
  ["answers with other types", "FORMAT", (_request, response) => response.end(json({ stored: "all" }))],
  ["says 413 like any proxy", "REFUSED", (_request, response) => response.writeHead(413).end("too big")],
  ["fails", "REFUSED", (_request, response) => response.writeHead(500).end("{}")],
  ["answers garbage", "NETWORK", (_request, response) => response.socket?.end("NONSENSE\r\n\r\n")],
  [
    "says that the time is another, and another, and another",
    "CLOCK",
    (_request, response) =>
      response
        .writeHead(401)
        .end(json({ error: { code: "clock", message: "", now: new Date(Math.random() * 4e12).toISOString() } })),
  ],
  [
    "names a time that is none",
    "FORMAT",
    (_request, response) =>
      response.writeHead(401).end(json({ error: { code: "clock", message: "", now: "+999999-99" } })),
  ],
];

test.each(hostile)("a server that %s costs nothing but time (%s)", async (_name, code, answer) => {
  const web = await serve((request, response) => {
    request.on("error", () => undefined).resume();
    answer(request, response);
  });
  const outbox = await filled(3, device.id);
  const states: UploadState[] = [];
  await uploadUntil({ outbox, link: await strangeLink(web.url), clock: systemClock }, (s) => states.push(s) >= 2);
  expect(states.map((s) => s.failing?.code)).toEqual([code, code]);
  expect(states[0]?.failing?.since).toBe(states[1]?.failing?.since);
  expect(outbox.status().waiting).toBe(3);
});

test("a server that is not there costs nothing but time, and gets everything when it comes back", async () => {
  const at = running();
  const { identity } = await enrolled(at);
  const outbox = await filled(5, identity.id);
  const absent = await strangeLink("http://127.0.0.1:1");
  expect(await uploadUntil({ outbox, link: absent, clock: systemClock }, (s) => s.failing !== undefined)).toMatchObject(
    {
      failing: { code: "NETWORK" },
    },
  );
  const link = new ServerLink({ server: at.url, identity, clock: at.clock });
  onTestFinished(() => link.close());
  await uploadUntil({ outbox, link, clock: systemClock }, (s) => s.sent === 5);
  expect(outbox.status().waiting).toBe(0);
});

test("plain http beyond this machine is refused before anything is sent", async () => {
  const outbox = await filled(1, device.id);
  const link = await strangeLink("http://edict.example");
  const state = await uploadUntil({ outbox, link, clock: systemClock }, (s) => s.failing !== undefined);
  expect(state.failing?.why).toContain("https");
});

test("when told to stop in the middle of a request, it stops at once and keeps everything", async () => {
  const stop = new AbortController();
  const web = await serve(() => stop.abort());
  const outbox = await filled(1, device.id);
  await upload({ outbox, link: await strangeLink(web.url, 60_000), clock: systemClock, backoff }, stop.signal);
  expect(outbox.status().waiting).toBe(1);
});
