import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceIdSchema } from "#protocol/enrolment.ts";
import { reportAnswerSchema } from "#protocol/report.ts";
import { openStore } from "#server/store/open.ts";
import type { Store } from "#server/store/store.ts";
import { lacking } from "../needs.ts";
import { enrolled, get, server, spooled } from "./harness.ts";
import { startPostgres } from "./postgres.ts";
import { at, report, storeContract } from "./store-contract.ts";

describe("PGlite", () => {
  let dir = "";
  let store: Store | undefined;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "edict-"));
  });
  afterAll(async () => {
    await store?.close();
    await rm(dir, { recursive: true, force: true });
  });
  storeContract("PGlite", async () => (store = await openStore({ folder: join(dir, "db") })));

  test("what was stored is there after a restart", async () => {
    const before = await store?.counts();
    await store?.close();
    store = await openStore({ folder: join(dir, "db") });
    expect(await store.counts()).toEqual(before);
    expect(before?.reports).toBeGreaterThan(0);
  });
});

const reason = lacking("postgresql");
describe.skipIf(reason !== undefined)(`PostgreSQL${reason === undefined ? "" : ` (${reason})`}`, () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;
  let store: Store | undefined;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await store?.close();
    await postgres?.stop();
  });
  const url = (): string => postgres?.url ?? "";
  storeContract("PostgreSQL", async () => (store = await openStore({ url: url() })));

  test("two servers may start on one database at the same moment", async () => {
    const opened = await Promise.all([openStore({ url: url() }), openStore({ url: url() })]);
    await Promise.all(opened.map((s) => s.ping()));
    await Promise.all(opened.map((s) => s.close()));
    expect(opened).toHaveLength(2);
  });

  test("a reader never passes by a report that an earlier, slower writer is still storing", async () => {
    const [slow, fast] = [deviceIdSchema.parse("e".repeat(64)), deviceIdSchema.parse("f".repeat(64))];
    const about = { publicKey: "A".repeat(43), hostname: null, os: "linux", agentVersion: "1" };
    for (const id of [slow, fast]) await store?.enrol({ ...about, id }, at);
    const since = (await store?.latestReports(1))?.[0]?.seq ?? 0;
    const seen: string[] = [];
    let last = since;
    const read = async (): Promise<void> => {
      for (const found of (await store?.reports({ since: last, limit: 10 })) ?? []) {
        seen.push(found.device);
        last = found.seq;
      }
    };
    // The slow one's last statement, on its device's row, waits for us.
    const holder = new Client({ connectionString: url() });
    await holder.connect();
    await holder.query("begin");
    await holder.query("select 1 from devices where id = $1 for no key update", [slow]);
    const waiting = async (): Promise<number> => {
      const { rows } = await holder.query<{ n: string }>(
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'",
      );
      return Number(rows[0]?.n);
    };
    const one = store?.saveReports(slow, [report()], at);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1);
    let finished = 0;
    const two = store?.saveReports(fast, [report()], at).then(() => (finished = 1));
    await expect.poll(async () => (await waiting()) + finished, { timeout: 20_000 }).toBe(2);
    await read();
    await holder.query("commit");
    await holder.end();
    await Promise.all([one, two]);
    await read();
    expect(seen).toEqual([slow, fast]);
  });

  test("a whole server works on it, and makes no database of its own", async () => {
    const running = await server({ databaseUrl: url() });
    const { identity, link } = await enrolled(running);
    const event = spooled(identity.id);
    for (const duplicates of [0, 1])
      expect(await link.post("/api/v1/reports", { events: [event] }, reportAnswerSchema)).toMatchObject({ duplicates });
    expect((await get(`${running.url}/readyz`)).body).toMatchObject({ database: true });
  });
});

test("a database that is not there is an error that says so, without the password", async () => {
  const opening = openStore({ url: "postgresql://edict:secret-word@127.0.0.1:1/edict" });
  await expect(opening).rejects.toMatchObject({ code: "DATABASE" });
  await expect(opening).rejects.not.toThrow(/secret-word/);
});
