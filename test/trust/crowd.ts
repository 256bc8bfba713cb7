// Many refreshes at once, as a process: crowd.ts URL ROOT INSTANT COUNT TIMEOUT
// Says how they ended (by code, "taken" for the others) and by how many bytes the process was larger at most.
import { readFile } from "node:fs/promises";
import { HttpClient } from "#lib/request.ts";
import { parseInstant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { MemoryStore } from "#trust/store.ts";
import { update } from "#trust/updater.ts";

const [url = "", rootFile = "", at = "", count = "", timeoutMs = ""] = process.argv.slice(2);
const now = parseInstant(at);
const bootstrap = await readFile(rootFile);
const http = new HttpClient();
const before = process.resourceUsage().maxRSS;
const ends = await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const fetcher = new HttpFetcher({ http, metadataUrl: url, targetsUrl: url, timeoutMs: Number(timeoutMs) });
    try {
      await update({ fetcher, store: new MemoryStore(), bootstrap, now });
      return "taken";
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return error.code;
    }
  }),
);
http.close();
const codes = Object.fromEntries([...new Set(ends)].map((end) => [end, ends.filter((one) => one === end).length]));
const grown = (process.resourceUsage().maxRSS - before) * 1024;
process.stdout.write(JSON.stringify({ codes, grown }));
