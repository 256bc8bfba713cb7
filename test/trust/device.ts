import type { RequestListener } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { openClient, type ClientOptions } from "#trust/client.ts";
import type { Generation } from "#trust/generation.ts";
import { sha256 } from "#trust/sha256.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve, type Web } from "../lib/web.ts";
import { day, emptyCatalog, policyOf, TestClock, type TestClient } from "./repository.ts";
import { listed, Simulator } from "./simulator.ts";

/** A simulated repository with a policy and a catalog, served from loopback to devices. */
export interface Watched {
  readonly sim: Simulator;
  readonly web: Web;
  readonly clock: TestClock;
  /** By name, "1.group-a.json": other bytes than the right ones, or none, or whatever else a server can do. */
  readonly instead: Map<string, Uint8Array | RequestListener | undefined>;
  /** Whether files come with an ETag. */
  readonly tags: { sent: boolean };
  /** By the same names: whatever else is answered. */
  readonly answers: Map<string, RequestListener>;
  /** The name of a target's file. */
  readonly targetFile: (path: string) => string;
  /** Signs everything that was edited. */
  readonly publish: (...roles: readonly string[]) => void;
  readonly client: (options?: Partial<ClientOptions>) => Promise<TestClient>;
}

export async function watched(): Promise<Watched> {
  const clock = new TestClock("2026-07-10T00:00:00Z");
  const sim = new Simulator(clock.at);
  Object.assign(sim.root, { keys: [listed(), listed()], threshold: 2 });
  renew(sim, clock);
  const bootstrap = await sim.writeRoot();
  sim.targets.targets.set("policy.json", gzipSync(policyOf("base"))).set("catalog.json", gzipSync(emptyCatalog));
  const instead: Watched["instead"] = new Map();
  const answers: Watched["answers"] = new Map();
  const tags = { sent: true };
  const web = await serve((request, response) => {
    const name = decodeURIComponent(request.url ?? "").slice(1);
    const other = answers.get(name);
    if (other !== undefined) return other(request, response);
    void sim.files().then((files) => {
      const bytes = instead.has(name) ? instead.get(name) : files.get(name);
      if (typeof bytes === "function") bytes(request, response);
      else if (bytes === undefined) response.writeHead(404).end();
      else {
        const etag = `"${sha256(bytes)}"`;
        if (tags.sent) response.setHeader("etag", etag);
        if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
        else response.end(bytes);
      }
    });
  });
  return {
    sim,
    web,
    clock,
    instead,
    tags,
    answers,
    targetFile: (path) => {
      const bytes = [...sim.roles.values()].flatMap(({ targets }) => targets.get(path) ?? [])[0];
      if (bytes === undefined) throw new Error(`there is no target ${path}`);
      return `targets/${sim.targetFile(path, bytes)}`;
    },
    publish: (...roles) => void sim.next(...roles, "snapshot", "timestamp"),
    client: async (options = {}) => {
      const dir = options.dir ?? join(await temporaryFolder(), "store");
      const client = openClient({ dir, url: web.url, bootstrap, clock, groups: [], shard: undefined, ...options });
      onTestFinished(() => client.close());
      return Object.assign(client, { dir });
    },
  };
}

/** As long as our own repositories' roles live, from now on (TRUST.md, "Roles"). */
export function renew(sim: Simulator, clock: TestClock, ...names: readonly string[]): void {
  const days: Record<string, number> = { root: 365, timestamp: 3, snapshot: 14 };
  for (const name of names.length === 0 ? sim.roles.keys() : names)
    sim.role(name).expires = instantOf(clock.at + (days[name] ?? 180) * day);
}

/** The same, with the groups a, b and c and exceptions; c has a role, and no policy yet. */
export async function grouped(): Promise<Watched> {
  const all = await watched();
  const { sim } = all;
  for (const group of ["a", "b", "c"])
    sim.delegate("targets", `group-${group}`, { paths: [`groups/${group}/policy.json`], terminating: true });
  for (const group of ["a", "b"]) sim.role(`group-${group}`).targets.set(`groups/${group}/policy.json`, packed(group));
  const exceptions = sim.delegate("targets", "exceptions", { paths: ["exceptions/*.json"], terminating: true });
  exceptions.targets.set("exceptions/ab.json", packed("ab's")).set("exceptions/cd.json", packed("cd's"));
  renew(sim, all.clock);
  return all;
}

export function packed(text: string): Buffer {
  return gzipSync(text);
}

/** What a generation holds, as texts. */
export function contents({ policy, groups, exceptions, devices }: Generation): Record<string, unknown> {
  return {
    policy: JSON.parse(textOf(policy) ?? "").name,
    groups: Object.fromEntries([...groups].map(([group, bytes]) => [group, textOf(bytes)])),
    exceptions: textOf(exceptions),
    devices: textOf(devices),
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
