import { sql, type Kysely } from "kysely";
import type { Migration, MigrationProvider } from "kysely/migration";

/** The first tables. A migration that has been released is never changed: another one follows it. */
const first: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("devices")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("public_key", "text", (c) => c.notNull())
      .addColumn("hostname", "text")
      .addColumn("os", "text", (c) => c.notNull())
      .addColumn("agent_version", "text", (c) => c.notNull())
      .addColumn("enrolled_at", "timestamptz", (c) => c.notNull())
      .addColumn("seen_at", "timestamptz", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("reports")
      .addColumn("seq", "bigserial", (c) => c.primaryKey())
      .addColumn("device", "text", (c) => c.notNull().references("devices.id"))
      .addColumn("uid", "uuid", (c) => c.notNull())
      .addColumn("received_at", "timestamptz", (c) => c.notNull())
      .addColumn("time", "timestamptz", (c) => c.notNull())
      .addColumn("class_uid", "integer", (c) => c.notNull())
      .addColumn("did", "text")
      .addColumn("ban", "text")
      .addColumn("tool", "text")
      .addColumn("mode", "text")
      .addColumn("person", "text")
      .addColumn("message", "text")
      // Text, not jsonb: what a device sent is kept byte by byte, and jsonb refuses some valid JSON (\u0000).
      .addColumn("event", "text", (c) => c.notNull())
      .addUniqueConstraint("reports_once", ["device", "uid"])
      .execute();
    await db.schema
      .createTable("requests")
      .addColumn("seq", "bigserial", (c) => c.primaryKey())
      .addColumn("device", "text", (c) => c.notNull().references("devices.id"))
      .addColumn("id", "uuid", (c) => c.notNull())
      .addColumn("received_at", "timestamptz", (c) => c.notNull())
      .addColumn("at", "timestamptz", (c) => c.notNull())
      .addColumn("ban", "text", (c) => c.notNull())
      .addColumn("person", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addUniqueConstraint("requests_once", ["device", "id"])
      .execute();
    await sql`create index reports_ban on reports (ban, seq) where ban is not null`.execute(db);
  },
};

export const migrations: MigrationProvider = {
  getMigrations: () => Promise.resolve({ "0001_first": first }),
};
