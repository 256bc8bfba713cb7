import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { Clock } from "#lib/clock.ts";
import { instantOf, type Instant } from "#lib/pure/instant.ts";
import { uuid7 } from "#lib/uuid7.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { enrol } from "#report/enrol.ts";
import type { DeviceIdentity } from "#report/identity.ts";
import { ServerLink } from "#report/link.ts";
import { toEvent } from "#report/ocsf.ts";
import { startServer, type RunningServer, type ServerOptions } from "#server/start.ts";
import { device, outcome } from "../report/samples.ts";

/** 2026-07-10T00:00:00Z, and whatever a test adds to it. */
export class TestClock implements Clock {
  at: Instant = instantOf(1_783_641_600_000);
  now(): Instant {
    return this.at;
  }
  advance(ms: number): void {
    this.at = instantOf(this.at + ms);
  }
}

export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "edict-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export type TestServer = RunningServer & { readonly clock: TestClock };

async function start(data: string, options: Partial<ServerOptions>): Promise<TestServer> {
  const clock = new TestClock();
  return { ...(await startServer({ listen: "127.0.0.1:0", clock, data, ...options })), clock };
}

/** A whole server on loopback, with its own folder and a free port, for one test. */
export async function server(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const running = await start(options.data ?? join(await folder(), "data"), options);
  onTestFinished(() => running.close());
  return running;
}

/** One server for all tests of a file: creating a database takes two seconds. */
export function sharedServer(): () => TestServer {
  let running: TestServer | undefined;
  let dir = "";
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "edict-"));
    running = await start(join(dir, "data"), {});
  });
  afterAll(async () => {
    await running?.close();
    await rm(dir, { recursive: true, force: true });
  });
  return () => {
    if (running === undefined) throw new Error("the server runs in tests only");
    return running;
  };
}

/** A device that this server knows. */
export async function enrolled(
  { url, enrolSecret, clock }: { url: string; enrolSecret: string; clock: Clock },
  ca?: string,
): Promise<{ identity: DeviceIdentity; link: ServerLink; dir: string }> {
  const dir = await folder();
  const identity = await enrol({
    server: url,
    secret: enrolSecret,
    dir,
    clock,
    os: "linux",
    hostname: "ann-laptop",
    ca,
  });
  const link = new ServerLink({ server: url, identity, clock, ca });
  onTestFinished(() => link.close());
  return { identity, link, dir };
}

const uid = uuid7({ now: () => instantOf(1_783_641_600_000) });

/** An event of this device as it would come out of its spool. */
export function spooled(id: string, metadata: Partial<OcsfEvent["metadata"]> = {}): OcsfEvent {
  const event = toEvent(outcome("stopped"), { ...device, id });
  if (event === undefined) throw new Error("the sample matches a ban");
  return { ...event, metadata: { ...event.metadata, uid: uid(), ...metadata } };
}

export async function get(url: string, token?: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: await answer.json() };
}
