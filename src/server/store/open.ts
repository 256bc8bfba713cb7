import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect, PostgresDialect, type Dialect } from "kysely";
import { Migrator } from "kysely/migration";
import { mkdir } from "node:fs/promises";
import { Pool } from "pg";
import { describe } from "#lib/errors.ts";
import { ServerError } from "#server/server-error.ts";
import { migrations } from "#server/store/migrations.ts";
import { SqlStore } from "#server/store/sql-store.ts";
import type { Store } from "#server/store/store.ts";
import type { Tables } from "#server/store/tables.ts";

/** PostgreSQL inside this process, in a folder, or one that is reached by its address. */
export type Database = { readonly folder: string } | { readonly url: string };

/** Opens the store and brings its tables up to this release. @throws ServerError `DATABASE` */
export async function openStore(database: Database): Promise<Store> {
  const where = "folder" in database ? database.folder : "the database at DATABASE_URL";
  let db: Kysely<Tables> | undefined;
  try {
    db = new Kysely<Tables>({ dialect: await dialect(database) });
    const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
    if (error !== undefined) throw new Error("its tables cannot be made", { cause: error });
    return new SqlStore(db);
  } catch (error) {
    await db?.destroy().catch(() => undefined);
    throw new ServerError("DATABASE", `${where}: ${describe(error)}`, { cause: error });
  }
}

async function dialect(database: Database): Promise<Dialect> {
  if ("folder" in database) {
    await mkdir(database.folder, { recursive: true, mode: 0o700 });
    return new PGliteDialect({ pglite: await PGlite.create(database.folder) });
  }
  const pool = new Pool({
    connectionString: database.url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: "edict-server",
  });
  pool.on("error", () => undefined); // an idle connection was lost: the next query opens another, or says why not
  return new PostgresDialect({ pool });
}
