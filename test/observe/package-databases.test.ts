import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Footing } from "#observe/footing.ts";
import { apk } from "#observe/owners/apk.ts";
import { pathOf } from "#observe/owners/dpkg.ts";
import { PackageDatabase, type Source } from "#observe/owners/package-database.ts";
import { pacman } from "#observe/owners/pacman.ts";
import { rpm } from "#observe/owners/rpm.ts";
import { toBytes, type RawPath } from "#observe/raw-path.ts";
import { parseRpmHeader } from "#observe/readers/rpm.ts";
import { lacking } from "../needs.ts";
import { folder, write } from "./place.ts";

const recordings = join(import.meta.dirname, "recordings");
const open = (source: (folder: RawPath) => Source, at: string) => new PackageDatabase(source(pathOf(at)));
const ids = async (database: PackageDatabase) =>
  (await database.installed()).map(({ ecosystem, id, version }) => `${ecosystem} ${id} ${version}`);
const owner = async (database: PackageDatabase, path: string) =>
  (await database.owner(pathOf(path))).map(({ ecosystem, id }) => `${ecosystem} ${id}`);

describe("rpm", () => {
  /** What rpm 4.18 left behind when it had installed two packages. */
  const recorded = gunzipSync(readFileSync(join(recordings, "rpm/rpm-4.18-two-packages.sqlite.gz")));
  const database = () => write(join(folder(), "rpm/rpmdb.sqlite"), recorded);

  test("has two packages in its SQLite database, and they own their files", async () => {
    const found = open(rpm, dirname(database()));
    expect(await ids(found)).toEqual(["rpm example-tool 1:1.2.3-4", "rpm other 1.2.3-4"]);
    expect(await owner(found, "/usr/bin/example-tool")).toEqual(["rpm example-tool"]);
    expect(await owner(found, "/usr/share/other/lib/a.js")).toEqual(["rpm other"]);
    expect(await owner(found, "/usr/share/other/lib")).toEqual(["rpm other"]);
    expect(await owner(found, "/usr/share/other/lib/c.js")).toEqual([]);
  });

  test("is read without a lock or a file of ours beside it, and again when it has changed", async () => {
    const file = database();
    const found = open(rpm, dirname(file));
    const footing = new Footing();
    expect(await found.owner(pathOf("/usr/bin/other"), footing)).toHaveLength(1);
    expect(readdirSync(dirname(file))).toEqual(["rpmdb.sqlite"]);
    expect(footing.holds()).toBe(true);
    const changed = new DatabaseSync(file);
    changed.exec("PRAGMA foreign_keys = OFF; DELETE FROM Packages WHERE hnum = 2; PRAGMA wal_checkpoint(TRUNCATE)");
    changed.close();
    expect(footing.holds()).toBe(false);
    const [first = ""] = await ids(found);
    expect(await ids(found)).toEqual([first]);
  });

  test("is read once where another path is a link to it", async () => {
    const file = database();
    symlinkSync("rpm", join(dirname(dirname(file)), "link"));
    expect(await ids(open(rpm, join(dirname(dirname(file)), "link")))).toEqual([]);
  });

  test("in a form that is not read says so, and is not taken for one without packages", async () => {
    for (const [name, form] of [
      ["Packages.db", "ndb"],
      ["Packages", "bdb"],
    ] as const) {
      const at = folder();
      write(join(at, name), "x");
      expect(await open(rpm, at).problem()).toContain(form);
      write(join(at, "rpmdb.sqlite"), recorded);
      expect(await open(rpm, at).problem()).toBeUndefined();
    }
    expect(await open(rpm, "/nowhere").problem()).toBeUndefined();
  });

  test("cut, or overwritten in places, gives what can be read of it and no exception", async () => {
    for (let length = 0; length < recorded.length; length += 4096 * 5 + 17) {
      const at = write(join(folder(), "rpmdb.sqlite"), recorded.subarray(0, length));
      expect((await ids(open(rpm, dirname(at)))).length).toBeLessThanOrEqual(2);
    }
    const damaged = open(rpm, dirname(write(join(folder(), "rpmdb.sqlite"), "not a database")));
    expect(await ids(damaged)).toEqual([]);
    expect(await damaged.problem()).toContain("not a database");
  });

  test.skipIf(lacking("root") !== undefined)("is not believed where somebody else wrote it", async () => {
    const file = database();
    execFileSync("chown", ["1234", file]);
    expect(await ids(open(rpm, dirname(file)))).toEqual([]);
  });

  test("has headers that are parsed wherever they end, and whatever their counts say", () => {
    const file = database();
    const db = new DatabaseSync(file, { readOnly: true });
    const blob = db.prepare("SELECT blob FROM Packages WHERE hnum = 1").get()?.["blob"];
    db.close();
    if (!(blob instanceof Uint8Array)) throw new Error("no header");
    for (let length = 0; length <= blob.length; length += 1) {
      const header = parseRpmHeader(blob.subarray(0, length));
      header?.paths((path) => expect(path.length).toBeLessThan(blob.length));
    }
    expect(parseRpmHeader(blob)).toMatchObject({ name: "example-tool", version: "1:1.2.3-4" });
    for (let at = 0; at + 4 <= 8 + 60 * 16; at += 4) {
      const evil = Buffer.from(blob);
      evil.writeUInt32BE(0xff_ff_ff_f0, at);
      let paths = 0;
      parseRpmHeader(evil)?.paths(() => (paths += 1));
      expect(paths).toBeLessThan(10);
    }
  });
});

describe("pacman", () => {
  test("has a package of the AUR's as its own, and it owns its files", async () => {
    const local = folder();
    cpSync(join(recordings, "pacman/example-tool"), join(local, "example-tool-1:1.2.3-4"), { recursive: true });
    cpSync(join(recordings, "pacman/example-tool"), join(local, "another-1.0-1"), { recursive: true });
    write(join(local, "ALPM_DB_VERSION"), "9\n");
    const found = open(pacman, local);
    expect(await ids(found)).toEqual(["pacman example-tool 1:1.2.3-4", "aur example-tool 1:1.2.3-4"]);
    expect(await owner(found, "/usr/bin/example-tool")).toEqual(["pacman example-tool", "aur example-tool"]);
    expect(await owner(found, "/usr/bin/other")).toEqual([]);
    const footing = new Footing();
    await found.owner(pathOf("/usr/bin/example-tool"), footing);
    renameSync(join(local, "example-tool-1:1.2.3-4"), join(local, "example-tool-1:1.2.3-5"));
    expect(footing.holds()).toBe(false);
    expect(await ids(found)).toEqual([]);
  });
});

describe("apk", () => {
  /** As Alpine 3.20 writes it: checksums and sizes are not looked at. */
  const recorded = [
    "C:Q1pnd\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1n\nR:libc.musl-x86_64.so.1\n",
    "C:Q1aaa\nP:example-tool\nV:0.9-r3\nF:usr\nF:usr/bin\nR:example-tool\nF:\nR:.profile\n",
  ].join("\n");

  test("has its packages in one file, and they own their files", async () => {
    const db = folder();
    write(join(db, "installed"), recorded);
    const found = open(apk, db);
    expect(await ids(found)).toEqual(["apk musl 1.2.5-r0", "apk example-tool 0.9-r3"]);
    expect(await owner(found, "/usr/bin/example-tool")).toEqual(["apk example-tool"]);
    expect(await owner(found, "/lib/libc.musl-x86_64.so.1")).toEqual(["apk musl"]);
    expect(await owner(found, "/.profile")).toEqual(["apk example-tool"]);
    expect(await owner(found, "/usr/example-tool")).toEqual([]);
  });
});

test("a file under a second name of its folder is its package's only where that name leads to it", async () => {
  const db = folder();
  write(join(db, "installed"), "P:x\nV:1\nF:bin\nR:true\nF:sbin\nR:no-such-program\n");
  const found = open(apk, db);
  const merged = realpathSync("/bin/true");
  expect(await owner(found, merged)).toEqual(["apk x"]);
  expect(await owner(found, "/usr/bin/no-such-program")).toEqual([]);
});

test("databases that are FIFOs, folders or longer than any are passed over", async () => {
  for (const source of [apk, rpm, pacman]) {
    const at = folder();
    for (const name of ["installed", "rpmdb.sqlite"]) execFileSync("/usr/bin/mkfifo", [join(at, name)]);
    mkdirSync(join(at, "x-1"));
    execFileSync("/usr/bin/mkfifo", [join(at, "x-1/desc")]);
    expect(await ids(open(source, at))).toEqual([]);
  }
  const at = folder();
  truncateSync(write(join(at, "installed"), ""), 100_000_000);
  expect(await ids(open(apk, at))).toEqual([]);
});

test("who asks beside others waits for the one reading that has begun", async () => {
  const witness = pathOf(join(folder(), "witness"));
  write(witness, "");
  const path = pathOf("/usr/bin/tool");
  let readings = 0;
  const database = new PackageDatabase({
    ecosystems: ["deb"],
    folder: witness,
    witness,
    installed: async function* () {
      readings += 1;
      yield { id: "tool", version: "1", record: "tool", paths: (each) => each(toBytes(path)) };
      await Promise.resolve();
    },
    paths: () => Promise.resolve((each) => each(toBytes(path))),
  });
  const owners = await Promise.all(Array.from({ length: 4 }, () => database.owner(path)));
  expect(owners).toEqual(Array.from({ length: 4 }, () => [{ ecosystem: "deb", id: "tool", version: "1" }]));
  expect(readings).toBe(1);
});
