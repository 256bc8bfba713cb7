import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Instant } from "#lib/pure/instant.ts";

/** An answer that says no: a status (RFC 9110, 15), a code for programs and a sentence for people. */
export class Refusal extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  /** The server's time, for a device whose clock is another. */
  readonly now: Instant | undefined;
  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    more: { readonly retryAfter?: number; readonly now?: Instant } = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.retryAfter = more.retryAfter;
    this.now = more.now;
  }
}
