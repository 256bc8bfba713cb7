import { sql, type Kysely, type Selectable, type Transaction } from "kysely";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";
import { deviceIdSchema, type DeviceId } from "#protocol/enrolment.ts";
import type { ExceptionRequest } from "#protocol/report.ts";
import type { Device, NewReport, Page, Report, Store, StoredRequest } from "#server/store/store.ts";
import type { Tables } from "#server/store/tables.ts";

/** Keys of PostgreSQL's advisory locks, one a table: sequence numbers become visible in their order. */
const locks = { reports: 0x6564_6901, requests: 0x6564_6902 } as const;

export class SqlStore implements Store {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async ping(): Promise<void> {
    await sql`select 1`.execute(this.#db);
  }

  async enrol(device: Omit<Device, "enrolledAt" | "seenAt">, at: Instant): Promise<boolean> {
    const now = formatInstant(at);
    const said = { hostname: device.hostname, os: device.os, agent_version: device.agentVersion, seen_at: now };
    const added = await this.#db
      .insertInto("devices")
      .values({ id: device.id, public_key: device.publicKey, enrolled_at: now, ...said })
      .onConflict((c) => c.column("id").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (added !== undefined) return true;
    await this.#db.updateTable("devices").set(said).where("id", "=", device.id).execute();
    return false;
  }

  async device(id: DeviceId): Promise<Device | undefined> {
    const row = await this.#db.selectFrom("devices").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : deviceOf(row);
  }

  async devices(page: { readonly after?: string | undefined; readonly limit: number }): Promise<readonly Device[]> {
    const rows = await this.#db
      .selectFrom("devices")
      .selectAll()
      .where("id", ">", page.after ?? "")
      .orderBy("id")
      .limit(page.limit)
      .execute();
    return rows.map(deviceOf);
  }

  async saveReports(device: DeviceId, reports: readonly NewReport[], at: Instant): Promise<number> {
    if (reports.length === 0) return 0;
    const now = formatInstant(at);
    return await this.#inOrder("reports", async (db) => {
      const added = await db
        .insertInto("reports")
        .values(
          reports.map((r) => ({
            device,
            uid: r.uid,
            received_at: now,
            time: formatInstant(r.time),
            class_uid: r.classUid,
            did: plain(r.did),
            ban: plain(r.ban),
            tool: plain(r.tool),
            mode: plain(r.mode),
            person: plain(r.person),
            message: plain(r.message),
            event: r.event,
          })),
        )
        .onConflict((c) => c.constraint("reports_once").doNothing())
        .returning("uid")
        .execute();
      await db.updateTable("devices").set({ seen_at: now }).where("id", "=", device).execute();
      return added.length;
    });
  }

  async reports(page: Page): Promise<readonly Report[]> {
    const rows = await this.#db
      .selectFrom("reports")
      .selectAll()
      .where("seq", ">", page.since)
      .orderBy("seq")
      .limit(page.limit)
      .execute();
    return rows.map(reportOf);
  }

  async latestReports(limit: number): Promise<readonly Report[]> {
    const rows = await this.#db.selectFrom("reports").selectAll().orderBy("seq", "desc").limit(limit).execute();
    return rows.map(reportOf);
  }

  async saveRequest(device: DeviceId, request: ExceptionRequest, at: Instant): Promise<boolean> {
    return await this.#inOrder("requests", async (db) => {
      const added = await db
        .insertInto("requests")
        .values({
          device,
          id: request.id,
          received_at: formatInstant(at),
          at: request.at,
          ban: plain(request.ban),
          person: plain(request.person),
          reason: plain(request.reason),
        })
        .onConflict((c) => c.constraint("requests_once").doNothing())
        .returning("id")
        .executeTakeFirst();
      return added !== undefined;
    });
  }

  async requests(page: Page): Promise<readonly StoredRequest[]> {
    const rows = await this.#db
      .selectFrom("requests")
      .selectAll()
      .where("seq", ">", page.since)
      .orderBy("seq")
      .limit(page.limit)
      .execute();
    return rows.map(requestOf);
  }

  async latestRequests(limit: number): Promise<readonly StoredRequest[]> {
    const rows = await this.#db.selectFrom("requests").selectAll().orderBy("seq", "desc").limit(limit).execute();
    return rows.map(requestOf);
  }

  async counts() {
    const count = async (table: keyof Tables): Promise<number> => {
      const row = await this.#db
        .selectFrom(table)
        .select((e) => e.fn.countAll<string | number>().as("n"))
        .executeTakeFirst();
      return Number(row?.n ?? 0);
    };
    return { devices: await count("devices"), reports: await count("reports"), requests: await count("requests") };
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  /** One writer of a table at a time: otherwise a smaller number could become visible after a greater one was read. */
  #inOrder<T>(table: keyof typeof locks, work: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(async (db) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(locks[table])})`.execute(db);
      return await work(db);
    });
  }
}

/** PostgreSQL's text holds any character but NUL. */
function plain<T extends string | null>(text: T): T | string {
  return text?.replaceAll("\0", "\u{FFFD}") ?? text;
}

function deviceOf(row: Selectable<Tables["devices"]>): Device {
  return {
    id: deviceIdSchema.parse(row.id),
    publicKey: row.public_key,
    hostname: row.hostname,
    os: row.os,
    agentVersion: row.agent_version,
    enrolledAt: instantOf(row.enrolled_at.getTime()),
    seenAt: instantOf(row.seen_at.getTime()),
  };
}

function reportOf(row: Selectable<Tables["reports"]>): Report {
  return {
    seq: Number(row.seq),
    device: deviceIdSchema.parse(row.device),
    receivedAt: instantOf(row.received_at.getTime()),
    time: instantOf(row.time.getTime()),
    uid: row.uid,
    classUid: row.class_uid,
    did: row.did,
    ban: row.ban,
    tool: row.tool,
    mode: row.mode,
    person: row.person,
    message: row.message,
    event: row.event,
  };
}

function requestOf(row: Selectable<Tables["requests"]>): StoredRequest {
  return {
    seq: Number(row.seq),
    device: deviceIdSchema.parse(row.device),
    receivedAt: instantOf(row.received_at.getTime()),
    at: row.at.toISOString(),
    id: row.id,
    ban: row.ban,
    person: row.person,
    reason: row.reason,
  };
}
