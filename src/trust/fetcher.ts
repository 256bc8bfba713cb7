import { HttpClient, RequestError, type HttpOptions, type Reply } from "#lib/request.ts";
import { TrustError, type TrustCode } from "#trust/error.ts";

/** Where a repository's files come from. Names are relative: "3.root.json", "ab12….policy.json". Nothing is trusted yet. */
export interface Fetcher {
  /** Undefined where there is no such file (404, or the 403 that some stores give instead). @throws TrustError */
  metadata(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** `etag` is that of the timestamp one has. @throws TrustError */
  timestamp(maxBytes: number, etag: string | undefined): Promise<Timestamped | "unchanged">;
  /** @param length as signed. @throws TrustError */
  target(name: string, length: number): Promise<Uint8Array>;
}

export interface Timestamped {
  readonly bytes: Uint8Array;
  readonly etag: string | undefined;
}

/** Who fetches: this process, or one that may do nothing else. */
export interface Fetching {
  /** One refresh's requests, under one deadline. */
  fetcher(timeoutMs: number, signal: AbortSignal | undefined): Fetcher;
  /** Whoever waits gets an error. */
  close(): void;
}

/** This process, over connections that are kept. */
export function overHttp({ ca, proxy, ...place }: Place & HttpOptions): Fetching {
  const http = new HttpClient({ ca, proxy });
  return {
    fetcher: (timeoutMs, signal) => new HttpFetcher({ http, ...place, timeoutMs, signal }),
    close: () => http.close(),
  };
}

interface Place {
  /** Both end in "/". */
  readonly metadataUrl: string;
  readonly targetsUrl: string;
}

export interface HttpFetcherOptions extends Place {
  readonly http: HttpClient;
  /** For all of one refresh together, in milliseconds; each target adds the time that its signed length is worth. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A line slower than this gets no large file: bytes a millisecond that one may count on (32 KiB/s). */
const slowest = 32.768;

/** What is left of the time of one refresh. */
export class Deadline {
  #at: number;

  constructor(timeoutMs: number) {
    this.#at = performance.now() + timeoutMs;
  }

  /** A target of so many bytes adds the time that they are worth. */
  allowFor(bytes: number): void {
    this.#at += bytes / slowest;
  }

  /** Milliseconds. @throws TrustError TIMEOUT where none is left */
  left(file: string): number {
    const left = this.#at - performance.now();
    if (left <= 0) throw new TrustError("TIMEOUT", `${file}: the server took longer than it may`, { file });
    return left;
  }
}

/** One refresh's requests over HTTP, under one deadline. */
export class HttpFetcher implements Fetcher {
  readonly #options: HttpFetcherOptions;
  readonly #deadline: Deadline;

  constructor(options: HttpFetcherOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.timeoutMs);
  }

  async metadata(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const reply = await this.#get(
      this.#options.metadataUrl + encodeURIComponent(name),
      name,
      maxBytes,
      this.#deadline.left(name),
    );
    if (reply.status === 404 || reply.status === 403) return undefined;
    return body(reply, name);
  }

  async timestamp(maxBytes: number, etag: string | undefined): Promise<Timestamped | "unchanged"> {
    const name = "timestamp.json";
    const reply = await this.#get(this.#options.metadataUrl + name, name, maxBytes, this.#deadline.left(name), etag);
    return reply.status === 304 ? "unchanged" : { bytes: body(reply, name), etag: reply.etag };
  }

  async target(name: string, length: number): Promise<Uint8Array> {
    const path = targetSegments(name).map(encodeURIComponent).join("/");
    this.#deadline.allowFor(length);
    return body(await this.#get(this.#options.targetsUrl + path, name, length, this.#deadline.left(name)), name);
  }

  async #get(url: string, file: string, maxBytes: number, timeoutMs: number, etag?: string): Promise<Reply> {
    try {
      return await this.#options.http.request(url, { maxBytes, timeoutMs, etag, signal: this.#options.signal });
    } catch (error) {
      if (error instanceof RequestError) throw new TrustError(codeOf(error), error.message, { file, cause: error });
      throw error;
    }
  }
}

/** The names in a target's path, none of which leads elsewhere. @throws TrustError FORMAT */
export function targetSegments(path: string): readonly string[] {
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw new TrustError("FORMAT", `"${path}" is not a target's path`, { file: path });
  return segments;
}

function body(reply: Reply, file: string): Uint8Array {
  if (reply.status === 200) return reply.bytes;
  throw new TrustError("HTTP", `${file}: the server answered with status ${reply.status}`, {
    file,
    seen: reply.status,
    wanted: 200,
  });
}

function codeOf({ code }: RequestError): TrustCode {
  switch (code) {
    case "timeout":
      return "TIMEOUT";
    case "limit":
      return "LIMIT";
    case "network":
    case "aborted":
      return "NETWORK";
    case "address":
    case "redirect":
    case "encoding":
      return "HTTP";
  }
}
