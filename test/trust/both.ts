import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Updater } from "tuf-js";
import { onTestFinished } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { HttpClient } from "#lib/request.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { FileStore } from "#trust/store.ts";
import { update } from "#trust/updater.ts";
import { serve } from "../lib/web.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import type { Simulator } from "./simulator.ts";

/** What one client made of a look. */
export interface Seen {
  readonly refreshed: boolean;
  /** For each path that was asked for: the length and the hash of what was found, or why nothing was. */
  readonly found: readonly string[];
  /** What it keeps: role → bytes. */
  readonly stored: Readonly<Record<string, string>>;
}

/** tuf-js and ours, each with a folder of its own, before one repository. */
export interface Both {
  /** By name: other bytes than the right ones, or none. */
  readonly instead: Map<string, Uint8Array | undefined>;
  readonly look: (paths?: readonly string[]) => Promise<{ readonly theirs: Seen; readonly ours: Seen }>;
}

export async function both(sim: Simulator): Promise<Both> {
  const root = await sim.writeRoot();
  const instead: Both["instead"] = new Map();
  const web = await serve((request, response) => {
    const name = decodeURIComponent(request.url ?? "").slice(1);
    void sim.files().then((files) => {
      const bytes = instead.has(name) ? instead.get(name) : files.get(name);
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    });
  });
  const base = await temporaryFolder();
  const [theirs, ours] = [join(base, "theirs"), join(base, "ours")];
  await mkdir(theirs);
  await writeFile(join(theirs, "root.json"), root);
  const http = new HttpClient();
  onTestFinished(() => http.close());

  const their = async (paths: readonly string[]): Promise<Seen> => {
    const updater = new Updater({ metadataDir: theirs, metadataBaseUrl: web.url, config: { fetchRetries: 0 } });
    const refreshed = await updater.refresh().then(yes, no);
    const found: string[] = [];
    for (const path of refreshed ? paths : [])
      found.push(await updater.getTargetInfo(path).then((file) => described(file?.length, file?.hashes), none));
    return { refreshed, found, stored: await kept(theirs) };
  };
  const our = async (paths: readonly string[]): Promise<Seen> => {
    const store = new FileStore(ours);
    const fetcher = new HttpFetcher({ http, metadataUrl: web.url, targetsUrl: web.url, timeoutMs: 15_000 });
    const found: string[] = [];
    const refreshed = await store
      .exclusively(async () => {
        const updated = await update({ fetcher, store, bootstrap: root, now: systemClock.now() });
        for (const path of paths)
          found.push(
            await updated
              .find(path)
              .then((one) => described(one?.file.length, one && Object.fromEntries(one.file.hashes)), none),
          );
      })
      .then(yes, no);
    return { refreshed, found, stored: await kept(ours) };
  };
  return { instead, look: async (paths = []) => ({ theirs: await their(paths), ours: await our(paths) }) };
}

const yes = (): boolean => true;
const no = (): boolean => false;
const none = (): string => "none";

function described(length: number | undefined, hashes: Readonly<Record<string, string>> | undefined): string {
  return length === undefined ? "none" : `${length} ${hashes?.["sha256"]}`;
}

async function kept(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(".json")).toSorted();
  const files = names.map(async (name) => [name.slice(0, -5), await readFile(join(dir, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(files));
}
