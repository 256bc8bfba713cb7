import { pathToFileURL } from "node:url";
import { describe } from "#lib/errors.ts";
import type { Installed, Paths, Source } from "#observe/owners/package-database.ts";
import { below, toBytes, type RawPath } from "#observe/raw-path.ts";
import { folderAt, stampAt } from "#observe/read-file.ts";
import { parseRpmHeader } from "#observe/readers/rpm.ts";

/** Bytes; the longest header of a distribution, a kernel's, has some millions. */
const longestHeader = 64 * 1024 * 1024;

/** Other forms of rpm's database, by the files that they are kept in. */
const unread = [
  ["Packages.db", "rpm's database has its form ndb, which is not read"],
  ["Packages", "rpm's database has its form bdb, which is not read"],
] as const;

/**
 * What rpm has installed, by its SQLite database (rpm 4.16 and later). `folder` is its dbpath; a link to another one is left to
 * that one. Opened as unchangeable: nothing is locked and nothing written, whatever state rpm leaves its log in; what rpm
 * writes meanwhile makes the database another one, which is read anew.
 */
export function rpm(folder: RawPath): Source {
  const witness = below(folder, "rpmdb.sqlite");
  let damage: string | undefined;
  const headers = (only?: number): AsyncGenerator<Row> =>
    readHeaders(folder, witness, (problem) => (damage = problem), only);
  return {
    ecosystems: ["rpm"],
    folder,
    witness,
    async *installed(): AsyncGenerator<Installed> {
      for await (const { hnum, blob } of headers()) {
        const header = parseRpmHeader(blob);
        if (header === undefined || header.name === "gpg-pubkey") continue;
        const { name: id, version, paths } = header;
        yield { id, version, record: String(hnum), paths };
      }
    },
    paths: async (record): Promise<Paths | undefined> => {
      for await (const { blob } of headers(Number(record))) return parseRpmHeader(blob)?.paths;
      return undefined;
    },
    problem: async () => {
      if ((await folderAt(folder)) === undefined) return undefined;
      if ((await stampAt(witness)) !== undefined) return damage;
      for (const [name, why] of unread) if ((await stampAt(below(folder, name))) !== undefined) return why;
      return undefined;
    },
  };
}

interface Row {
  readonly hnum: number;
  readonly blob: Uint8Array;
}

/** The headers of all packages, or of one. Only of a database that the folder's owner, or root, has written. */
async function* readHeaders(
  folder: RawPath,
  file: RawPath,
  done: (problem: string | undefined) => void,
  only?: number,
): AsyncGenerator<Row> {
  const [owner, stamp] = [(await folderAt(folder))?.owner, await stampAt(file)];
  if (owner === undefined || stamp === undefined || (stamp.owner !== 0 && stamp.owner !== owner)) return;
  const { DatabaseSync } = await import("node:sqlite"); // no other machine pays for it
  const url = pathToFileURL(toBytes(file).toString("utf8"));
  url.searchParams.set("immutable", "1");
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      const which = only === undefined ? "" : " AND hnum = ?";
      const rows = database.prepare(`SELECT hnum, blob FROM Packages WHERE length(blob) <= ${longestHeader}${which}`);
      for (const { hnum, blob } of rows.iterate(...(only === undefined ? [] : [only])))
        if (typeof hnum === "number" && blob instanceof Uint8Array) yield { hnum, blob };
      done(undefined);
    } finally {
      database.close();
    }
  } catch (error) {
    done(describe(error)); // damaged, or being written to: what could be read counts until it has changed
  }
}
