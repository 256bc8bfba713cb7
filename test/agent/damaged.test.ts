import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { agent, banning, end, moody, nativeTool, openFolder, publisher, until, type AgentProcess } from "./place.ts";

interface Damage {
  readonly how: string;
  readonly damage: (file: string, other: string) => void;
}

const damages: readonly Damage[] = [
  { how: "cut", damage: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)) },
  { how: "empty", damage: (file) => truncateSync(file, 0) },
  { how: "full of zeros", damage: (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)) },
  {
    how: "swapped",
    damage: (file, other) => {
      renameSync(file, `${file}.aside`);
      renameSync(other, file);
      renameSync(`${file}.aside`, other);
    },
  },
  {
    how: "a folder",
    damage: (file) => {
      rmSync(file);
      mkdirSync(join(file, "more"), { recursive: true });
    },
  },
  {
    how: "a FIFO",
    damage: (file) => {
      rmSync(file);
      execFileSync("mkfifo", [file]);
    },
  },
  {
    how: "a link",
    damage: (file) => {
      renameSync(file, `${file}.real`);
      symlinkSync(`${file}.real`, file);
    },
  },
];

describe.skipIf(lacking("root"))("with damaged files in its store", () => {
  test("an agent starts, enforces the last good policy, says what it found, and takes the newest again", async () => {
    const folder = await openFolder();
    const signer = await publisher(folder);
    const tool = nativeTool(folder);
    const web = await moody(signer.repo);
    const settings = { server: web.url, root: signer.root };
    const first = agent(folder, settings);
    for (const version of [2, 3]) {
      await signer.publish({ ...banning(tool, "block"), name: `version ${version}` });
      await until("it is in force", async () => (await versionOf(first)) === version);
    }
    first.child.kill("SIGTERM");
    await end(first.child);
    const [store, good] = [join(folder, "state/trust"), join(folder, "good")];
    cpSync(store, good, { recursive: true });
    writeFileSync(join(good, "lock"), "a 4194304000 1 b"); // of a process that died
    const [older = "", newest = ""] = readdirSync(join(good, "generations")).toSorted();
    const filesIn = (dir: string): string[] =>
      readdirSync(join(good, dir), { withFileTypes: true }).flatMap((e) => (e.isFile() ? [join(dir, e.name)] : []));
    const [current, past] = [`generations/${newest}`, `generations/${older}`].map(filesIn);

    // A start for each damage, so that each file has one of them; and one start with nothing good in the older generation.
    const files = [...filesIn("."), ...(current ?? [])];
    expect(files.length).toBe(7 + 6);
    const starts = damages.map((damage, time) =>
      files.filter((_, i) => i % damages.length === time).map((file) => ({ file, ...damage })),
    );
    starts.push((past ?? []).flatMap((file, i) => damages.slice(i, i + 1).map((damage) => ({ file, ...damage }))));
    for (const hits of starts) {
      rmSync(store, { recursive: true });
      cpSync(good, store, { recursive: true });
      for (const { file, damage } of hits) {
        const others = readdirSync(join(store, dirname(file))).filter(
          (name) => name !== basename(file) && name !== "generations",
        );
        damage(join(store, file), join(store, dirname(file), others[0] ?? ""));
      }
      web.mood = "hangs up";
      const running = await tool.start();
      const one = agent(folder, settings);
      expect([hits, await end(running)]).toEqual([hits, "SIGTERM"]);
      const isHit = hits.some(({ file }) => file.startsWith(`generations/${newest}/`));
      expect([hits, await versionOf(one)]).toEqual([hits, isHit ? 2 : 3]);
      web.mood = "good";
      await until("the newest is in force", async () => (await versionOf(one)) === 3);
      const shown = hits.filter(({ file, how }) => dirname(file) === "." && file !== "lock" && how !== "swapped");
      const wanted = [...shown.map(({ file }) => `${file} `), ...(isHit ? [`${newest} cannot be used: `] : [])];
      const found = async (): Promise<string> =>
        (await one.status()).warnings.find(({ code }) => code === "trust-trouble")?.text ?? "";
      await until(`it says ${wanted.join(", ")}`, async () => {
        const text = await found();
        return wanted.every((word) => text.includes(word));
      });
      one.child.kill("SIGTERM");
      expect(await end(one.child)).toBe(0);
    }
  }, 180_000);
});

async function versionOf(one: AgentProcess): Promise<number | undefined> {
  return (await one.status().catch(() => undefined))?.policy.version;
}
