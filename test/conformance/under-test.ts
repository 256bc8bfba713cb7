import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#lib/clock.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve } from "../lib/web.ts";
import { Simulator } from "../trust/simulator.ts";

const program = fileURLToPath(new URL("./client.ts", import.meta.url));

/** A repository, and the command line under test as the public suite drives it: what it sees is what a test sees. */
export interface UnderTest {
  readonly sim: Simulator;
  /** "metadata/…" or "targets/…": other bytes than the right ones, or none. */
  readonly instead: Map<string, Uint8Array | undefined>;
  /** What was asked for since it was looked at last: "2.root.json", "targets/ab….x". */
  readonly asked: () => readonly string[];
  /** The exit code. */
  readonly init: (root: Uint8Array) => Promise<number>;
  readonly refresh: () => Promise<number>;
  readonly download: (name: string) => Promise<number>;
  /** "root 1 snapshot 2": the trusted metadata that is stored, in order. */
  readonly trusted: () => Promise<string>;
  readonly stored: (role: string) => Promise<Buffer>;
  /** What was downloaded, the oldest first. */
  readonly downloaded: () => Promise<readonly string[]>;
}

export async function underTest(): Promise<UnderTest> {
  const sim = new Simulator(systemClock.now());
  const instead: UnderTest["instead"] = new Map();
  let asked: string[] = [];
  const web = await serve((request, response) => {
    const name = (request.url ?? "").replace(/^\/(metadata\/)?/, "");
    asked.push(name);
    void sim.files().then((files) => {
      const bytes = instead.has(name) ? instead.get(name) : files.get(decodeURIComponent(name));
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    });
  });
  const base = await temporaryFolder();
  const [metadata, targets] = [join(base, "metadata"), join(base, "targets")];
  await Promise.all([mkdir(metadata), mkdir(targets)]);
  const where = ["--metadata-url", `${web.url}metadata/`, "--metadata-dir", metadata];
  return {
    sim,
    instead,
    asked: () => {
      const names = asked;
      asked = [];
      return names;
    },
    init: async (root) => {
      const file = join(base, "initial_root.json");
      await writeFile(file, root);
      return run(["--metadata-dir", metadata, "init", file]);
    },
    refresh: () => run([...where, "refresh"]),
    download: (name) =>
      run([
        ...where,
        "--target-name",
        name,
        "--target-dir",
        targets,
        "--target-base-url",
        `${web.url}targets/`,
        "download",
      ]),
    trusted: async () => {
      const files = (await readdir(metadata)).filter((name) => name.endsWith(".json")).toSorted();
      const versions = files.map(
        async (name) => JSON.parse(await readFile(join(metadata, name), "utf8")).signed.version,
      );
      return (await Promise.all(versions)).map((version, i) => `${files[i]?.slice(0, -5)} ${version}`).join(" ");
    },
    stored: (role) => readFile(join(metadata, `${role}.json`)),
    downloaded: async () => {
      const files = (await readdir(targets, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
      const paths = files.map(({ parentPath, name }) => join(parentPath, name));
      const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
      return Promise.all(dated.toSorted((a, b) => a.at - b.at).map(({ path }) => readFile(path, "utf8")));
    },
  };
}

/** The same, initialised with the repository's first root. */
export async function initialised(): Promise<UnderTest> {
  const all = await underTest();
  await all.init(await all.sim.writeRoot());
  return all;
}

function run(args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], () => resolve(child.exitCode ?? -1));
  });
}
