import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { Clock } from "#lib/clock.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { LockedError, withLock } from "#lib/file-lock.ts";
import { quiet, type Log } from "#lib/log.ts";
import { createApp } from "#server/app.ts";
import { checkPlain, listen, parseAddress, type Tls } from "#server/listen.ts";
import { createMetrics } from "#server/metrics.ts";
import { exceptionsIn, publishInto, resign } from "#server/publishing.ts";
import { secretFile } from "#server/secret.ts";
import { ServerError } from "#server/server-error.ts";
import { openStore } from "#server/store/open.ts";
import type { Store } from "#server/store/store.ts";
import { Wakes } from "#server/wakes.ts";

export interface ServerOptions {
  /** The server's folder; made when it is not there, for its owner only. */
  readonly data: string;
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly listen: string;
  readonly tls?: Tls | undefined;
  /** A PostgreSQL instead of the database in the folder. */
  readonly databaseUrl?: string | undefined;
  readonly clock: Clock;
  readonly log?: Log;
}

export interface RunningServer {
  readonly url: string;
  readonly enrolSecret: string;
  readonly adminToken: string;
  /** Where everything lies. */
  readonly paths: Paths;
  close(): Promise<void>;
}

export interface Paths {
  /** The signed repository, served under /repo/. */
  readonly repo: string;
  /** The online keys, for snapshot, timestamp and exceptions only. */
  readonly keys: string;
  readonly db: string;
  readonly enrolSecret: string;
  readonly adminToken: string;
  /** The first root: what devices are installed with. There once a repository is. */
  readonly root: string;
}

const hour = 3_600_000;

export function pathsIn(data: string): Paths {
  const repo = join(data, "repo");
  return {
    repo,
    keys: join(data, "keys"),
    db: join(data, "db"),
    enrolSecret: join(data, "enrol.secret"),
    adminToken: join(data, "admin.token"),
    root: join(repo, "1.root.json"),
  };
}

/** Starts a whole server; it serves until `close`. @throws ServerError */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { data, tls, databaseUrl, clock, log = quiet } = options;
  const address = parseAddress(options.listen);
  checkPlain(address, tls);
  const paths = pathsIn(data);
  await ownFolder(data);
  await mkdir(paths.repo, { recursive: true, mode: 0o755 });
  await mkdir(paths.keys, { recursive: true, mode: 0o700 });
  const unlock = await hold(join(data, "server.lock"));
  let store: Store | undefined;
  try {
    const enrolSecret = await secretFile(paths.enrolSecret);
    const adminToken = await secretFile(paths.adminToken);
    store = await openStore(databaseUrl === undefined ? { folder: paths.db } : { url: databaseUrl });
    const metrics = createMetrics();
    const where = { dir: paths.repo, keysDir: paths.keys, clock };
    const publish = publishInto(where);
    const secure = tls !== undefined;
    const wakes = await Wakes.open(paths.repo, log);
    const app = createApp({
      store,
      clock,
      log,
      metrics,
      repository: paths.repo,
      enrolSecret,
      adminToken,
      publish,
      exceptions: exceptionsIn(where),
      wakes,
      secure,
    });
    const listening = await listen(app, address, tls);
    const stop = new AbortController();
    const signing = everyHour(() => resign(where, metrics, log), stop.signal);
    const opened = store;
    return {
      url: listening.url,
      enrolSecret,
      adminToken,
      paths,
      async close() {
        stop.abort();
        wakes.close();
        await listening.close();
        await signing;
        await opened.close();
        await unlock();
      },
    };
  } catch (error) {
    await store?.close().catch(() => undefined);
    await unlock();
    throw error;
  }
}

async function everyHour(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await work();
    await after(hour, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function ownFolder(data: string): Promise<void> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await chmod(data, 0o700);
  } catch (error) {
    throw new ServerError("DATA", `${data}: ${describe(error)}`, { cause: error });
  }
}

/** Two servers on one folder would write one database: the second is told, and ends. */
async function hold(file: string): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const over = withLock(file, 1_000, () => {
    held.resolve();
    return release.promise;
  });
  over.catch((error: unknown) => {
    const code = error instanceof LockedError || systemCode(error) !== undefined ? "DATA" : "USAGE";
    held.reject(new ServerError(code, `${file}: ${describe(error)}`, { cause: error }));
  });
  await held.promise;
  return async () => {
    release.resolve();
    await over;
  };
}
