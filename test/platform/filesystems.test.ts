import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync, mkdtempSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { believable, settled } from "#platform/linux/filesystems.ts";
import { bindNoWriter } from "#platform/linux/writers.ts";
import { lacking } from "../needs.ts";

const change = z.strictObject({ content: z.boolean(), stamp: z.boolean() });
const outcome = z.strictObject({
  believable: z.boolean(),
  alone: z.boolean(),
  store: change,
  mapped: z.boolean(),
  again: change,
  unmapped: z.boolean(),
  later: change,
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "edict-filesystems-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** What changing a file through mappings showed, on a filesystem of the test's own in a mount namespace of its own. */
function mappedOn(prepare: (folder: string) => string): z.infer<typeof outcome> {
  const place = folder();
  const mount = prepare(place);
  const program = fileURLToPath(new URL("mapped.ts", import.meta.url));
  const script = `set -e; cd "$1"; mkdir mnt; ${mount} mnt; "$2" "$3" mnt/file`;
  const args = ["--mount", "sh", "-c", script, "sh", place, process.execPath, program];
  return outcome.parse(JSON.parse(execFileSync("unshare", args, { encoding: "utf8" })));
}

function image(make: string, megabytes: number): (folder: string) => string {
  return (place) => {
    const file = join(place, "image");
    writeFileSync(file, "");
    truncateSync(file, megabytes * 1024 * 1024);
    execFileSync(make, ["-q", file]);
    return "mount -o loop image";
  };
}

/** Why a filesystem cannot be tried here. */
function without(name: string, ...packages: readonly string[]): string | undefined {
  const reason = lacking("root", ...packages);
  if (reason !== undefined || readFileSync("/proc/filesystems", "utf8").includes(`\t${name}\n`)) return reason;
  console.warn(`skipped: this kernel has no ${name}`);
  return `this kernel has no ${name}`;
}

describe("a change through a mapping", () => {
  const changed = { content: true, stamp: true };
  const unnoticed = { content: true, stamp: false };

  test.for([
    ["ext4", without("ext4", "e2fsprogs"), image("mkfs.ext4", 8)],
    ["xfs", without("xfs", "xfsprogs"), image("mkfs.xfs", 320)],
    ["btrfs", without("btrfs", "btrfs-progs"), image("mkfs.btrfs", 128)],
  ] as const)("changes the stamp on %s, as long as nobody was writing before", ([, reason, prepare], { skip }) => {
    skip(reason !== undefined, reason);
    expect(mappedOn(prepare)).toEqual({
      believable: true,
      alone: true,
      store: changed,
      mapped: false,
      again: unnoticed, // hence the question whether somebody can write
      unmapped: true,
      later: changed,
    });
  });

  test.skipIf(lacking("root") !== undefined)("changes no stamp on tmpfs, which is not believed", () => {
    const seen = mappedOn(() => "mount -t tmpfs tmpfs");
    expect(seen).toMatchObject({ believable: false, store: unnoticed, again: unnoticed, later: unnoticed });
  });
});

test("what nobody knows to keep its stamps is not believed", () => {
  const types = { tmpfs: 0x01021994, ramfs: 0x858458f6, overlay: 0x794c7630, fuse: 0x65735546, nfs: 0x6969, none: 0 };
  for (const type of Object.values(types)) expect(believable(type)).toBe(false);
  for (const readOnly of [0xe0f5e1e2, 0x73717368, 0x9660]) expect(believable(readOnly)).toBe(true);
});

test("a file that changed a moment ago, or in the future, is not settled", () => {
  expect([0, 980, 979.9, 1000, 5000].map((ctime) => settled(ctime, 1000))).toEqual([true, false, true, false, false]);
});

describe("whether somebody can write to a file", () => {
  test("is seen while it is open for writing, and not while others read it", () => {
    const path = join(folder(), "file");
    writeFileSync(path, "x");
    const noWriter = bindNoWriter();
    const reader = openSync(path, "r");
    const other = openSync(path, "r");
    expect(noWriter(reader)).toBe(true);
    const writer = openSync(path, "r+");
    expect(noWriter(reader)).toBe(false);
    expect(noWriter(writer)).toBe(false);
    closeSync(writer);
    expect(noWriter(reader)).toBe(true);
    closeSync(other);
    closeSync(reader);
    expect(noWriter(reader), "a closed descriptor").toBe(false);
  });

  test("can be asked while others open it for writing all the time: nobody is ended, nobody is kept waiting", async () => {
    const path = join(folder(), "file");
    writeFileSync(path, "x");
    const asks = `
      import { openSync } from "node:fs";
      import { bindNoWriter } from "#platform/linux/writers.ts";
      const [noWriter, fd] = [bindNoWriter(), openSync(process.argv[1], "r")];
      const answers = [0, 0];
      while (answers[0] < 300 || answers[1] < 300) answers[Number(noWriter(fd))] += 1;
      console.log("asked");`;
    const opens = `
      import { closeSync, openSync } from "node:fs";
      for (;;) closeSync(openSync(process.argv[1], "r+"));`;
    const cwd = fileURLToPath(new URL("../..", import.meta.url));
    const start = (code: string) =>
      spawn(process.execPath, ["--input-type=module", "-e", code, path], { cwd, stdio: ["ignore", "pipe", "inherit"] });
    const writer = start(opens);
    onTestFinished(() => void writer.kill("SIGKILL"));
    const asker = start(asks);
    onTestFinished(() => void asker.kill("SIGKILL"));
    let said = "";
    asker.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    expect(await once(asker, "close")).toEqual([0, null]);
    expect(said).toBe("asked\n");
  });
});
