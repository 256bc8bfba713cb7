import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Updater } from "tuf-js";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { HttpClient } from "#lib/request.ts";
import { HttpFetcher } from "#trust/fetcher.ts";
import { FileStore } from "#trust/store.ts";
import { update } from "#trust/updater.ts";
import { serve } from "../lib/web.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { all, rounds } from "./oracle-rounds.ts";
import { Simulator } from "./simulator.ts";

// The same repository, refreshed by tuf-js and by us: the same answer, and the same bytes believed.

test.each(rounds)("$does: tuf-js and we agree", async ({ first, change, believed }) => {
  const sim = new Simulator(systemClock.now());
  await first?.(sim);
  const root = await sim.writeRoot();
  const web = await serve((request, response) => {
    void sim.files().then((files) => {
      const bytes = files.get(decodeURIComponent(request.url ?? "").slice(1));
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

  const look = async (): Promise<{ theirs: boolean; ours: boolean }> => ({
    theirs: await succeeds(() =>
      new Updater({ metadataDir: theirs, metadataBaseUrl: web.url, config: { fetchRetries: 0 } }).refresh(),
    ),
    ours: await succeeds(async () => {
      const fetcher = new HttpFetcher({
        http,
        metadataUrl: web.url,
        targetsUrl: `${web.url}targets/`,
        timeoutMs: 15_000,
      });
      const store = new FileStore(ours);
      await store.exclusively(() => update({ fetcher, store, bootstrap: root, now: systemClock.now() }));
    }),
  });
  const before = await look();
  await change?.(sim);
  const after = await look();
  expect(before.ours).toBe(before.theirs);
  expect(after).toEqual({ theirs: believed, ours: believed });
  expect(believed && (await stored(ours))).toEqual(believed && (await stored(theirs)));
});

function succeeds(work: () => Promise<void>): Promise<boolean> {
  return work().then(
    () => true,
    () => false,
  );
}

function stored(dir: string): Promise<string[]> {
  return Promise.all(["root", ...all].map((role) => readFile(join(dir, `${role}.json`), "utf8")));
}
