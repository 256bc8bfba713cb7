import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "#server/store/open.ts";
import type { Store } from "#server/store/store.ts";
import { lacking } from "../needs.ts";
import { enrolled, get, server, spooled } from "./harness.ts";
import { startPostgres } from "./postgres.ts";
import { storeContract } from "./store-contract.ts";
import { reportAnswerSchema } from "#protocol/report.ts";

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
