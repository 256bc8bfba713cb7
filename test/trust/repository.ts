import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Clock } from "#lib/clock.ts";
import { formatInstant, instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { initRepository, resignTimestamp } from "#publish/repository.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { openClient, type Client, type ClientOptions } from "#trust/client.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve, type Web } from "../lib/web.ts";

/** A clock that a test moves. */
export class TestClock implements Clock {
  at: Instant;
  constructor(at: string | Instant) {
    this.at = typeof at === "string" ? parseInstant(at) : at;
  }
  now(): Instant {
    return this.at;
  }
  add(ms: number): void {
    this.at = instantOf(this.at + ms);
  }
  toString(): string {
    return formatInstant(this.at);
  }
}

export const hour = 3_600_000;
export const day = 24 * hour;

export function policyOf(name: string): Buffer {
  return Buffer.from(JSON.stringify({ name, bans: [], allowEmpty: true }));
}
export const emptyCatalog = Buffer.from(JSON.stringify({ formatVersion: 1, tools: [] }));

/** A repository on disk, served from loopback, with whatever a test wants to be answered otherwise. */
export interface Served {
  readonly dir: string;
  readonly keysDir: string;
  readonly key: Signer;
  readonly root: Uint8Array;
  readonly clock: TestClock;
  readonly web: Web;
  /** Path ("/timestamp.json") → another answer. */
  readonly answers: Map<
    string,
    (request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void
  >;
  publish(name: string): Promise<void>;
  resign(): Promise<void>;
  client(options?: Partial<ClientOptions>): Promise<TestClient>;
}

export type TestClient = Client & { readonly dir: string };

export async function served(at: string | Instant = "2026-07-10T00:00:00Z"): Promise<Served> {
  const base = await temporaryFolder();
  const [dir, keysDir] = [join(base, "repo"), join(base, "keys")];
  const clock = new TestClock(at);
  const key = newSigner();
  const { root } = await initRepository({ dir, keysDir, key, clock });
  const answers: Served["answers"] = new Map();
  const web = await serve((request, response) => {
    const path = decodeURIComponent(request.url ?? "/");
    const other = answers.get(path);
    if (other !== undefined) return other(request, response);
    readFile(join(dir, path)).then(
      (bytes) => {
        const etag = `"${bytes.length}-${bytes.toString("hex").slice(-40)}-${hash(bytes)}"`;
        response.setHeader("etag", etag);
        if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
        else response.end(bytes);
      },
      () => response.writeHead(404).end("nothing here"),
    );
  });
  return {
    dir,
    keysDir,
    key,
    root,
    clock,
    web,
    answers,
    publish: async (name) => {
      const proposal = await signPolicy({ repo: dir, policy: policyOf(name), catalog: emptyCatalog, key, clock });
      await publishProposal({ dir, keysDir, proposal, clock });
    },
    resign: async () => void (await resignTimestamp({ dir, keysDir, clock })),
    client: async (options = {}) => {
      const store = options.dir ?? join(await temporaryFolder(), "store");
      const client = openClient({
        dir: store,
        url: web.url,
        bootstrap: root,
        clock,
        groups: [],
        shard: undefined,
        ...options,
      });
      onTestFinished(() => client.close());
      return Object.assign(client, { dir: store });
    },
  };
}

function hash(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) % 1_000_000_007;
  return sum;
}
