import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { describe } from "#lib/errors.ts";
import { isLoopback } from "#lib/request.ts";
import type { Env } from "#server/deps.ts";
import { ServerError } from "#server/server-error.ts";

/** PEM. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[::1]:PORT` or `PORT` on this machine only. @throws ServerError `USAGE` */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  const host = colon === -1 ? "127.0.0.1" : text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port > 65_535 || host === "")
    throw new ServerError("USAGE", `${text} is no address to listen at: write HOST:PORT, such as 127.0.0.1:8443`);
  return { host, port };
}

/** Slow, silent and long-winded clients cost a socket for a time, and nothing more. Milliseconds and bytes. */
const bounds = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 120_000, // a large policy on a slow line
  keepAliveTimeout: 90_000, // devices come back every minute
  connectionsCheckingInterval: 5_000,
} as const;
const connectionsMost = 20_000;

const shownHost = ({ host }: Address): string => (host.includes(":") ? `[${host}]` : host);

/** @throws ServerError `USAGE` where what devices send and administrators type would cross a network unencrypted */
export function checkPlain(address: Address, tls: Tls | undefined): void {
  const shown = shownHost(address);
  if (tls !== undefined || isLoopback(shown)) return;
  const what = `${shown} is more than this machine: give --tls-cert and --tls-key, or listen at 127.0.0.1`;
  throw new ServerError("USAGE", what);
}

/**
 * Answers with `app` at an address. @throws ServerError `USAGE`, `LISTEN`
 */
export async function listen(
  app: Hono<Env>,
  address: Address,
  tls?: Tls,
): Promise<{ url: string; close(): Promise<void> }> {
  const shown = shownHost(address);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void =>
    void listener(request, response);
  let server: http.Server;
  try {
    server =
      tls === undefined
        ? http.createServer(bounds, answer)
        : https.createServer({ ...bounds, ...tls, minVersion: "TLSv1.2" }, answer);
  } catch (error) {
    throw new ServerError("USAGE", `the TLS certificate or key is not usable: ${describe(error)}`, { cause: error });
  }
  server.maxConnections = connectionsMost;
  try {
    server.listen(address.port, address.host);
    await once(server, "listening");
  } catch (error) {
    throw new ServerError("LISTEN", `cannot listen at ${shown}:${address.port}: ${describe(error)}`, { cause: error });
  }
  return {
    url: `${tls === undefined ? "http" : "https"}://${shown}:${portOf(server.address()) ?? address.port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), 3_000);
      await closed;
      clearTimeout(late);
    },
  };
}

function portOf(address: AddressInfo | string | null): number | undefined {
  return typeof address === "object" ? address?.port : undefined;
}
