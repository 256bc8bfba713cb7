import type * as Http from "node:http";
import https from "node:https";
import { isIPv4 } from "node:net";

// Importing it as a module evaluates all that it exports, and with it a whole WebSocket client: 3.6 MB and 35 ms of CPU.
// oxlint-disable-next-line eslint/no-restricted-properties -- it leads round no door
const http = process.getBuiltinModule("node:http");

export type RequestFailure = "address" | "timeout" | "limit" | "network" | "redirect" | "encoding" | "aborted";

/** A request that got no answer one could use. An answer with status 4xx or 5xx is an answer, not one of these. */
export class RequestError extends Error {
  readonly code: RequestFailure;
  constructor(code: RequestFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RequestError";
    this.code = code;
  }
}

export interface Ask {
  readonly method?: "GET" | "POST";
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Most bytes the answer's body may have. */
  readonly maxBytes: number;
  /** From the call to the last byte, in milliseconds; a server that trickles cannot stretch it. */
  readonly timeoutMs: number;
  /** Sent as If-None-Match; only then is 304 an answer. */
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Reply {
  readonly status: number;
  /** Complete where the status is 2xx; the body of an error is cut at `maxBytes`. */
  readonly bytes: Buffer;
  readonly etag: string | undefined;
  /** As it came: seconds or an HTTP date (RFC 9110 10.2.3). */
  readonly retryAfter: string | undefined;
}

export interface HttpOptions {
  /** PEM certificates that replace the system's authorities. */
  readonly ca?: string | undefined;
  /** http://host:port */
  readonly proxy?: string | undefined;
}

const idle = { keepAlive: true, maxSockets: 4 };

/**
 * Bounded requests over kept connections: https unless the host is this machine, no redirects, no content codings, a
 * limit that holds before anything is buffered. Knows nothing of what it carries.
 */
export class HttpClient {
  readonly #plain: Http.Agent;
  readonly #secure: https.Agent;

  constructor({ ca, proxy }: HttpOptions = {}) {
    const proxyEnv = proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    this.#plain = new http.Agent({ ...idle, ...proxyEnv });
    this.#secure = new https.Agent({ ...idle, ...proxyEnv, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) });
  }

  /** @throws RequestError */
  async request(address: string, ask: Ask): Promise<Reply> {
    const url = checked(address);
    const deadline = AbortSignal.timeout(Math.max(1, Math.round(ask.timeoutMs)));
    const signal = ask.signal === undefined ? deadline : AbortSignal.any([ask.signal, deadline]);
    for (let again = false; ; again = true) {
      try {
        return await this.#once(url, ask, signal);
      } catch (error) {
        if (ask.signal?.aborted === true) throw new RequestError("aborted", `${address}: given up`, { cause: error });
        if (deadline.aborted) throw new RequestError("timeout", `${address}: no answer in ${ask.timeoutMs} ms`);
        // A kept connection that the server was just closing (RFC 9112 9.5): asking again is safe where asking changes nothing.
        if (error instanceof Reused && !again && ask.method !== "POST") continue;
        if (error instanceof RequestError) throw error;
        const cause = error instanceof Reused ? error.cause : error;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new RequestError("network", `${address}: ${why}`, { cause });
      }
    }
  }

  /** Closes the kept connections. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #once(url: URL, ask: Ask, signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const secure = url.protocol === "https:";
      const request = (secure ? https : http).request(url, {
        agent: secure ? this.#secure : this.#plain,
        method: ask.method ?? "GET",
        headers: headers(ask),
        signal,
      });
      const fail = (error: Error): void => {
        reject(error);
        request.destroy();
      };
      let answered = false;
      request.on("error", (error) => reject(request.reusedSocket && !answered ? new Reused(error) : error));
      request.on("response", (response) => {
        answered = true;
        receive(url, ask, response, resolve, fail);
      });
      request.end(ask.body);
    });
  }
}

/** The kept connection was gone before an answer began. */
class Reused extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

function checked(address: string): URL {
  if (!URL.canParse(address)) throw new RequestError("address", `${address} is not a URL`);
  const url = new URL(address);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return url;
  throw new RequestError("address", `${address}: it has to be https, except on this machine`);
}

/** RFC 6890: 127.0.0.0/8 and ::1; RFC 6761 6.3: localhost. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

function headers(ask: Ask): Record<string, string | number> {
  return {
    "accept-encoding": "identity",
    ...(ask.etag !== undefined && { "if-none-match": ask.etag }),
    ...(ask.body !== undefined && { "content-length": ask.body.byteLength }),
    ...ask.headers,
  };
}

function receive(
  url: URL,
  ask: Ask,
  response: Http.IncomingMessage,
  resolve: (reply: Reply) => void,
  fail: (error: Error) => void,
): void {
  const status = response.statusCode ?? 0;
  const { etag, "retry-after": retryAfter, "content-encoding": encoding, "content-length": length } = response.headers;
  const body = new Gathered();
  const done = (): void => resolve({ status, bytes: body.bytes(), etag, retryAfter });
  const bad = (code: RequestFailure, why: string): void => fail(new RequestError(code, `${url.href}: ${why}`));
  const good = status >= 200 && status < 300;

  response.on("error", fail);
  if (status >= 300 && status < 400 && !(status === 304 && ask.etag !== undefined))
    return bad("redirect", `status ${status}, and nothing is fetched from elsewhere`);
  if (encoding !== undefined && encoding !== "identity") return bad("encoding", `content-encoding ${encoding}`);
  if (good && Number(length) > ask.maxBytes) return bad("limit", `${length} bytes, at most ${ask.maxBytes} allowed`);

  response.on("data", (part: Buffer) => {
    if (body.length + part.length <= ask.maxBytes) return body.add(part);
    if (good) return bad("limit", `more than the ${ask.maxBytes} bytes allowed`);
    done();
    response.destroy();
  });
  response.on("end", () => (response.complete ? done() : bad("network", "the answer was cut off")));
  response.on("close", () => {
    if (!response.complete) bad("network", "the connection was closed");
  });
}

/** Bytes as they come, in one piece at most twice as large: a server that sends one at a time would fill a list of pieces with us. */
class Gathered {
  #room = Buffer.alloc(0);
  length = 0;

  add(part: Buffer): void {
    const needed = this.length + part.length;
    if (needed > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#room.length * 2, 16_384));
      this.#room.copy(larger, 0, 0, this.length);
      this.#room = larger;
    }
    part.copy(this.#room, this.length);
    this.length = needed;
  }

  bytes(): Buffer {
    return this.#room.subarray(0, this.length);
  }
}
