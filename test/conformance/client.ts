#!/usr/bin/env node
// The command line that the public TUF conformance suite drives: see docs/decisions and `trust/updater.ts`.
//   client --metadata-dir D init ROOT_FILE
//   client --metadata-dir D --metadata-url U refresh
//   client --metadata-dir D --metadata-url U --target-name N [--target-name …] --target-base-url B --target-dir T download
// Exit 0, or 1 with the code on stderr.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readBounded, writeAtomic } from "#lib/atomic-file.ts";
import { systemClock } from "#lib/clock.ts";
import { HttpClient } from "#lib/request.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { limits } from "#trust/limits.ts";
import { FileStore } from "#trust/store.ts";
import { fetchTarget, update } from "#trust/updater.ts";
import { verifyBytes } from "#trust/verify.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-dir": { type: "string" },
    "metadata-url": { type: "string" },
    "target-name": { type: "string", multiple: true },
    "target-base-url": { type: "string" },
    "target-dir": { type: "string" },
  },
});

function option(name: "metadata-dir" | "metadata-url" | "target-base-url" | "target-dir"): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
}

function folderUrl(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}

async function init(store: FileStore, rootFile: string): Promise<void> {
  const root = await readBounded(rootFile, limits.root);
  await store.exclusively(async () => {
    await store.write("root.json", root);
    await store.write("bootstrap", root);
  });
}

/** "refresh", and "download" where targets are named. */
async function refresh(store: FileStore, names: readonly string[]): Promise<void> {
  const http = new HttpClient();
  const fetcher = new HttpFetcher({
    http,
    metadataUrl: folderUrl(option("metadata-url")),
    targetsUrl: folderUrl(values["target-base-url"] ?? option("metadata-url")),
    timeoutMs: 15_000,
  });
  try {
    const bootstrap = await store.read("bootstrap", limits.root);
    if (bootstrap === undefined) throw new TrustError("CACHE", "not initialised");
    await store.exclusively(async () => {
      const { set, find } = await update({ fetcher, store, bootstrap, now: systemClock.now() });
      for (const name of names) {
        const found = await find(name);
        if (found === undefined) throw new TrustError("MISMATCH", `nobody has signed a target ${name}`);
        const file = join(option("target-dir"), encodeURIComponent(name));
        try {
          verifyBytes(await readBounded(file, found.file.length), found.file, name);
        } catch {
          await mkdir(option("target-dir"), { recursive: true });
          await writeAtomic(file, await fetchTarget(set, found.file, fetcher));
        }
      }
    });
  } finally {
    http.close();
  }
}

try {
  const store = new FileStore(option("metadata-dir"));
  const [command, rootFile = ""] = positionals;
  if (command === "init") await init(store, rootFile);
  else if (command === "refresh") await refresh(store, []);
  else if (command === "download") await refresh(store, values["target-name"] ?? []);
  else throw new Error(`unknown command ${command}`);
} catch (error) {
  process.stderr.write(error instanceof TrustError ? `${error.code}: ${error.message}\n` : `${String(error)}\n`);
  process.exitCode = 1;
}
