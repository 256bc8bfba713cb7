import { statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepRead, readBefore } from "#agent/read-before.ts";
import { systemClock } from "#lib/clock.ts";
import type { Log } from "#lib/log.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { observe, type Watching } from "#observe/observe.ts";
import type { KnownContents } from "#observe/content-memory.ts";
import { FakePlatform } from "../fakes/platform.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { nativeTool, needle, wanting } from "../observe/place.ts";

function logged(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  return { said, log: { debug: say, info: say, warn: say, error: say } };
}

/** An agent's eyes on one program, with what was read before. */
function watch(program: string, signal: AbortSignal, before?: KnownContents): Watching {
  const platform = new FakePlatform();
  platform.installRoots = () => [{ path: program, owner: 0, holds: "bin", depth: 1 }];
  return observe(
    platform,
    () => ({ wanted: wanting(), activatedAt: instantOf(0) }),
    { clock: systemClock, before },
    signal,
  );
}

async function markerSeen(watching: Watching): Promise<unknown> {
  for await (const { file, seen } of watching.evidence) if (file?.path.endsWith("/tool") === true) return seen.marker;
  throw new Error("nothing was given");
}

test("what was read of a file outlives a restart, and a file that was changed since is read again", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "contents.json");
  const bin = join(dir, "bin");
  const program = nativeTool(join(bin, "tool"));
  const { log, said } = logged();
  const first = new AbortController();
  const one = watch(bin, first.signal);
  expect(await markerSeen(one)).toEqual({ value: [needle] });
  const contents = one.contents();
  first.abort();
  if (contents === undefined) throw new Error("nothing was kept");
  expect(contents.readings).toHaveLength(1);
  // What no reading of this file could say, so that it can be told from one.
  const told = contents.readings.map((reading) => ({
    ...reading,
    content: { ...reading.content, marker: { absent: true as const } },
  }));
  await keepRead(file, { ...contents, readings: told }, log);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const second = new AbortController();
  expect(await markerSeen(watch(bin, second.signal, await readBefore(file, log)))).toEqual({ absent: true });
  second.abort();
  utimesSync(program, 1, 1);
  const third = new AbortController();
  expect(await markerSeen(watch(bin, third.signal, await readBefore(file, log)))).toEqual({ value: [needle] });
  third.abort();
  expect(said).toEqual([]);
});

test("what was kept and is broken, too long or a link is not used, and said", async () => {
  const dir = await temporaryFolder();
  const { log, said } = logged();
  expect(await readBefore(join(dir, "nowhere"), log)).toBeUndefined();
  expect(said).toEqual([]);
  const file = join(dir, "contents.json");
  for (const text of ["", "{}", '{"digest":"d","readings":[{}]}', " ".repeat(9 * 1024 * 1024)]) {
    writeFileSync(file, text);
    expect(await readBefore(file, log)).toBeUndefined();
  }
  writeFileSync(file, '{"digest":"d","readings":[]}');
  symlinkSync(file, join(dir, "link"));
  expect(await readBefore(join(dir, "link"), log)).toBeUndefined();
  expect(said).toHaveLength(5);
  expect(await readBefore(file, log)).toEqual({ digest: "d", readings: [] });
});

test("a disk that refuses is said, and stops nothing", async () => {
  const { log, said } = logged();
  await keepRead("/proc/nowhere/contents.json", { digest: "d", readings: [] }, log);
  expect(said).toEqual(["what was read of files cannot be kept"]);
});
