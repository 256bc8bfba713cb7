import type { Duplex } from "node:stream";
import { describe } from "#lib/errors.ts";
import { readLines } from "#lib/lines.ts";
import { HttpClient } from "#lib/request.ts";
import { longestErrand, parseAsk, parseErrand, type Answer, type Ask, type Errand } from "#trust/courier-line.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from "#trust/metadata.ts";

/**
 * The courier's whole life: it is told where to fetch from, fetches what it is asked for, and reads each file of metadata once
 * before it hands it over, so that whatever a server sent meets a process that can do nothing else. It verifies no signature
 * and keeps nothing: who believes is on the other end. Returns when that end is closed.
 */
export async function serveCourier(line: Duplex): Promise<void> {
  let told: Told | undefined;
  try {
    for await (const text of readLines(line, longestErrand)) {
      if (told === undefined) told = begin(parseErrand(text));
      else void answer(line, parseAsk(text), told);
    }
  } finally {
    told?.http.close();
  }
}

interface Told {
  readonly errand: Errand;
  readonly http: HttpClient;
}

function begin(errand: Errand): Told {
  return { errand, http: new HttpClient({ ca: errand.ca, proxy: errand.proxy }) };
}

async function answer(line: Duplex, ask: Ask, told: Told): Promise<void> {
  const { id, name } = ask;
  try {
    const found = await fetched(ask, told);
    if (typeof found === "string") return say(line, { id, is: found });
    if (ask.what !== "target") read(name, found.bytes);
    say(line, { id, length: found.bytes.length, etag: found.etag }, found.bytes);
  } catch (error) {
    const code = error instanceof TrustError ? error.code : "FORMAT";
    say(line, { id, error: { code, message: describe(error).slice(0, 2_000) } });
  }
}

interface Fetched {
  readonly bytes: Uint8Array;
  readonly etag?: string | undefined;
}

async function fetched(
  { what, name, bytes: most, etag, timeoutMs }: Ask,
  { errand: { metadataUrl, targetsUrl }, http }: Told,
): Promise<Fetched | "absent" | "unchanged"> {
  const fetcher = new HttpFetcher({ http, metadataUrl, targetsUrl, timeoutMs });
  switch (what) {
    case "timestamp":
      return fetcher.timestamp(most, etag);
    case "metadata": {
      const bytes = await fetcher.metadata(name, most);
      return bytes === undefined ? "absent" : { bytes };
    }
    case "target":
      return { bytes: await fetcher.target(name, most) };
  }
}

/** By the name that metadata is asked for (TUF 1.0, section 6.2). @throws TrustError FORMAT */
function read(name: string, bytes: Uint8Array): void {
  const role = name.replace(/^\d+\./, "").replace(/\.json$/, "");
  if (role === "root") parseRoot(bytes);
  else if (role === "timestamp") parseTimestamp(bytes);
  else if (role === "snapshot") parseSnapshot(bytes);
  else parseTargets(bytes, role);
}

/** The line and its bytes go together: answers are given in the order in which they are ready. */
function say(line: Duplex, said: Answer, bytes?: Uint8Array): void {
  line.cork();
  line.write(`${JSON.stringify(said)}\n`);
  if (bytes !== undefined) line.write(bytes);
  line.uncork();
}
