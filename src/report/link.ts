import type { z } from "zod";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { HttpClient, RequestError, type HttpOptions, type Reply } from "#lib/request.ts";
import { uuid7 } from "#lib/uuid7.ts";
import { proofHeader, refusalSchema } from "#protocol/proof.ts";
import type { DeviceIdentity } from "#report/identity.ts";
import { ReportError, type ReportCode } from "#report/report-error.ts";
import { sign } from "#report/sign.ts";

export interface LinkOptions extends HttpOptions {
  /** https, or http on this machine: `https://edict.example`. */
  readonly server: string;
  readonly identity: DeviceIdentity;
  readonly clock: Clock;
  /** From the call to the last byte of the answer, in milliseconds. */
  readonly timeoutMs?: number;
}

/** No answer of the server's is longer, in bytes. */
const answerMost = 256 * 1024;
const defaultTimeout = 15_000;

/** This device's signed requests to its server. Whatever comes back is bounded, parsed, or an error with a code. */
export class ServerLink {
  readonly #options: LinkOptions;
  readonly #http: HttpClient;
  readonly #jti: () => string;
  /** Milliseconds that the server's clock is ahead of ours: it moves what we sign, and nothing else. */
  #ahead = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#http = new HttpClient(options);
    this.#jti = uuid7(options.clock);
  }

  /** @throws ReportError; `retryAfterMs` on it where the server asked for patience */
  async post<T>(
    path: string,
    content: unknown,
    answer: z.ZodType<T>,
    more: { readonly authorization?: string; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const body = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
    const before = this.#ahead;
    try {
      return await this.#once(path, body, answer, more);
    } catch (error) {
      if (!(error instanceof ReportError) || error.code !== "CLOCK" || this.#ahead === before) throw error;
      return await this.#once(path, body, answer, more);
    }
  }

  close(): void {
    this.#http.close();
  }

  async #once<T>(
    path: string,
    body: Uint8Array,
    answer: z.ZodType<T>,
    more: { readonly authorization?: string; readonly signal?: AbortSignal },
  ): Promise<T> {
    const { server, identity, timeoutMs } = this.#options;
    const proof = await sign({ method: "POST", path, body }, identity, this.#jti(), this.#serverTime());
    let reply: Reply;
    try {
      reply = await this.#http.request(server.replace(/\/+$/, "") + path, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          [proofHeader]: proof,
          ...(more.authorization !== undefined && { authorization: more.authorization }),
        },
        maxBytes: answerMost,
        timeoutMs: timeoutMs ?? defaultTimeout,
        signal: more.signal,
      });
    } catch (error) {
      throw new ReportError(codeOf(error), describe(error), { cause: error });
    }
    if (reply.status < 200 || reply.status >= 300) throw this.#refusal(reply);
    try {
      return answer.parse(JSON.parse(reply.bytes.toString("utf8")));
    } catch (error) {
      throw new ReportError("FORMAT", `${server}${path}: not the answer of an Edict server`, { cause: error });
    }
  }

  #serverTime(): Instant {
    return instantOf(this.#options.clock.now() + this.#ahead);
  }

  #refusal(reply: Reply): ReportError {
    const { error } = parseRefusal(reply.bytes) ?? { error: { code: "", message: "no reason given" } };
    const message = `${this.#options.server}: status ${reply.status}: ${error.message}`;
    if (error.code === "clock" && error.now !== undefined) {
      try {
        this.#ahead = parseInstant(error.now) - this.#options.clock.now();
      } catch {
        return new ReportError("FORMAT", message);
      }
      return new ReportError("CLOCK", message);
    }
    const code = codes.get(error.code) ?? "REFUSED";
    return new ReportError(code, message, { retryAfterMs: retryAfter(reply.retryAfter) });
  }
}

/** Only the server's own words count: a portal in between may say 413 to everything. */
const codes = new Map<string, ReportCode>([
  ["unknown-device", "UNKNOWN_DEVICE"],
  ["too-large", "TOO_LARGE"],
]);

/** Seconds (RFC 9110, 10.2.3) as milliseconds, an hour at most; a date is not taken: clocks differ. */
function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || !Number.isFinite(seconds) || seconds < 0 ? undefined : Math.min(seconds, 3600) * 1000;
}

function parseRefusal(bytes: Uint8Array): z.infer<typeof refusalSchema> | undefined {
  try {
    return refusalSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): ReportCode {
  if (!(error instanceof RequestError)) return "NETWORK";
  switch (error.code) {
    case "timeout":
      return "TIMEOUT";
    case "limit":
      return "LIMIT";
    case "aborted":
      return "ABORTED";
    case "address":
    case "network":
    case "redirect":
    case "encoding":
      return "NETWORK";
  }
}
