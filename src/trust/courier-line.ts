import { TrustError, type TrustCode } from "#trust/error.ts";
import * as field from "#trust/fields.ts";

// What is said between whoever enforces and the courier that fetches for them: lines of JSON, and behind an answer's line the
// bytes that it announces.

/** Where the courier is sent; said once, first. */
export interface Errand {
  /** Both end in "/". */
  readonly metadataUrl: string;
  readonly targetsUrl: string;
  /** PEM certificates of the organisation's own authority. */
  readonly ca: string | undefined;
  /** http://host:port */
  readonly proxy: string | undefined;
}

export interface Ask {
  readonly id: number;
  readonly what: "metadata" | "timestamp" | "target";
  readonly name: string;
  /** Most bytes of the answer; a target's length, as signed. */
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly timeoutMs: number;
}

/** `length` bytes follow; `absent`: no such file; `unchanged`: it is what the ETag says. */
export type Answer =
  | { readonly id: number; readonly length: number; readonly etag: string | undefined }
  | { readonly id: number; readonly is: "absent" | "unchanged" }
  | { readonly id: number; readonly error: { readonly code: TrustCode; readonly message: string } };

/** Bytes of a line: certificates of every public authority are 250 kB; what the courier says names a file and an ETag. */
export const longestErrand = 2 * 1024 * 1024;
export const longestAnswer = 64 * 1024;

/** @throws TrustError FORMAT */
export function parseErrand(line: string): Errand {
  const errand = field.object(field.json(Buffer.from(line)), "an errand");
  return {
    metadataUrl: field.text(errand["metadataUrl"], "metadataUrl"),
    targetsUrl: field.text(errand["targetsUrl"], "targetsUrl"),
    ca: optional(errand, "ca"),
    proxy: optional(errand, "proxy"),
  };
}

/** @throws TrustError FORMAT */
export function parseAsk(line: string): Ask {
  const ask = field.object(field.json(Buffer.from(line)), "a request");
  return {
    id: field.integer(ask["id"], 0, "id"),
    what: oneOf(ask["what"], ["metadata", "timestamp", "target"], "what"),
    name: field.text(ask["name"], "name"),
    bytes: field.integer(ask["bytes"], 0, "bytes"),
    etag: optional(ask, "etag"),
    timeoutMs: field.integer(ask["timeoutMs"], 1, "timeoutMs"),
  };
}

const codes: readonly TrustCode[] = ["FORMAT", "HTTP", "LIMIT", "MISMATCH", "NETWORK", "TIMEOUT"];

/** @throws TrustError FORMAT for what no courier of ours says */
export function parseAnswer(line: string): Answer {
  const answer = field.object(field.json(Buffer.from(line)), "an answer");
  const id = field.integer(answer["id"], 0, "id");
  if (answer["error"] !== undefined) {
    const error = field.object(answer["error"], "error");
    return {
      id,
      error: { code: oneOf(error["code"], codes, "code"), message: field.text(error["message"], "message") },
    };
  }
  if (answer["is"] !== undefined) return { id, is: oneOf(answer["is"], ["absent", "unchanged"], "is") };
  return { id, length: field.integer(answer["length"], 0, "length"), etag: optional(answer, "etag") };
}

function optional(from: field.JsonObject, name: string): string | undefined {
  return from[name] === undefined ? undefined : field.text(from[name], name);
}

function oneOf<T extends string>(value: unknown, known: readonly T[], what: string): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new TrustError("FORMAT", `${what} is none of ${known.join(", ")}`);
  return found;
}
