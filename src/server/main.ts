#!/usr/bin/env node
import { Command as Program, CommanderError } from "commander";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { version } from "#lib/version.ts";
import { ServerError } from "#server/server-error.ts";
import { startServer } from "#server/start.ts";
import type { Tls } from "#server/listen.ts";

/** Of the table that `edict help exit-codes` prints; a test holds them to it. */
export const serverExitCodes = { ok: 0, failed: 1, usage: 2 } as const;

interface ServeOptions {
  readonly data?: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

function defaultData(): string {
  if (process.getuid?.() === 0) return "/var/lib/edict-server";
  return join(process.env["XDG_STATE_HOME"] ?? join(process.env["HOME"] ?? ".", ".local/state"), "edict-server");
}

async function readTls({ tlsCert, tlsKey }: ServeOptions): Promise<Tls | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ServerError("USAGE", "--tls-cert and --tls-key belong together");
  try {
    return { cert: await readFile(tlsCert, "utf8"), key: await readFile(tlsKey, "utf8") };
  } catch (error) {
    throw new ServerError("USAGE", `the TLS certificate or key cannot be read: ${describe(error)}`, { cause: error });
  }
}

/** One JSON object a line on standard error: for journald, or whoever collects. */
function write(level: string, text: string, fields: object = {}): void {
  const line = { at: formatInstant(systemClock.now()), level, text, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

const stderrLog: Log = {
  debug: () => undefined,
  info: (text, fields) => write("info", text, fields),
  warn: (text, fields) => write("warn", text, fields),
  error: (text, fields) => write("error", text, fields),
};

async function serve(options: ServeOptions): Promise<void> {
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const server = await startServer({
    data: options.data ?? defaultData(),
    listen: options.listen,
    tls: await readTls(options),
    databaseUrl: process.env["DATABASE_URL"] === "" ? undefined : process.env["DATABASE_URL"],
    clock: systemClock,
    log: stderrLog,
  });
  const { paths, url } = server;
  process.stdout.write(
    [
      `edict-server ${version} serves at ${url}`,
      `  repository       ${paths.repo}  (${url}/repo/)`,
      `  enrolment secret ${paths.enrolSecret}`,
      `  console          ${url}/  (token: ${paths.adminToken})`,
      "",
    ].join("\n"),
  );
  await stopped;
  await server.close();
}

async function run(argv: readonly string[]): Promise<number> {
  const program = new Program("edict-server").version(version).exitOverride();
  program.description("Serves the signed repository to devices, and takes their reports.");
  program
    .command("serve")
    .description("serve until it is stopped; DATABASE_URL names a PostgreSQL to use instead of the folder's own")
    .option("--data <dir>", `the server's folder (default: ${defaultData()})`)
    .option("--listen <host:port>", "where to listen; beyond this machine only with TLS", "127.0.0.1:8787")
    .option("--tls-cert <file>", "PEM certificate chain")
    .option("--tls-key <file>", "PEM private key")
    .exitOverride()
    .action(serve);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return serverExitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? serverExitCodes.ok : serverExitCodes.usage;
    process.stderr.write(`edict-server: ${describe(error)}\n`);
    return error instanceof ServerError && error.code === "USAGE" ? serverExitCodes.usage : serverExitCodes.failed;
  }
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2));
