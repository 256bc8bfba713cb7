import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { run } from "#cli/main.ts";
import { sha256 } from "#trust/sha256.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { TestClock } from "../trust/repository.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One folder, one clock, and `edict` in this process; passphrases are all the same, and nobody sits at a terminal. */
export interface Desk {
  readonly dir: string;
  readonly clock: TestClock;
  /** "$NAME" in a line is the id of NAME.pub. */
  readonly edict: (line: string) => Promise<Said>;
  /** All of these; throws where one does not end with 0. */
  readonly does: (...lines: readonly string[]) => Promise<void>;
  /** Every file, and the hash of its bytes. */
  readonly files: () => Promise<readonly string[]>;
}

export async function desk(): Promise<Desk> {
  const dir = await temporaryFolder();
  const clock = new TestClock("2026-07-10T00:00:00Z");
  const idOf = async (name: string): Promise<string> => (await edict(`keys show ${name}.pub --id`)).out.trim();
  const edict = async (line: string): Promise<Said> => {
    let [out, err] = ["", ""];
    const argv: string[] = [];
    for (const word of line.split(" ")) argv.push(word.startsWith("$") ? await idOf(word.slice(1)) : word);
    const code = await run(argv, {
      out: (text) => (out += text),
      err: (text) => (err += text),
      stdin: Readable.from([]),
      clock,
      env: { EDICT_PASSPHRASE: "correct horse battery" },
      cwd: dir,
      isTerminal: false,
      signal: new AbortController().signal,
    });
    return { code, out, err };
  };
  return {
    dir,
    clock,
    edict,
    does: async (...lines) => {
      for (const line of lines) {
        const { code, err } = await edict(line);
        if (code !== 0) throw new Error(`edict ${line} ended with ${code}: ${err}`);
      }
    },
    files: async () => {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return (await Promise.all(paths.map(hashed))).toSorted();
    },
  };
}

async function hashed(path: string): Promise<string> {
  return `${path} ${sha256(await readFile(path))}`;
}

export const place = "--repo server/repo --keys-dir server/keys";

/** Ann, Bob and Cho, two of whom sign for everything; nothing is in force but the root. */
export async function founded(): Promise<Desk> {
  const made = await desk();
  await made.does(
    "keys create ann",
    "keys create bob",
    "keys create cho",
    "trust init server/repo --root-keys ann.pub,bob.pub,cho.pub --threshold 2 --keys-dir server/keys",
    "trust sign ceremony.json --key ann.key --yes",
    "trust sign ceremony.json --key bob.key --yes",
    "trust complete server/repo ceremony.json --keys-dir server/keys",
  );
  return made;
}
