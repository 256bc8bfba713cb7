import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "#platform/platform.ts";
import { eventBytes, parseEvents } from "#platform/linux/gate/event.ts";
import { choose, foreignOf, onlyBelow, parseMounts, type Mount } from "#platform/linux/gate/mounts.ts";

/** struct fanotify_event_metadata */
function event(mask: bigint, fd: number, pid: number, change: { version?: number; length?: number } = {}): Buffer {
  const bytes = Buffer.alloc(Math.max(eventBytes, change.length ?? 0));
  bytes.writeUInt32LE(change.length ?? eventBytes, 0);
  bytes.writeUInt8(change.version ?? 3, 4);
  bytes.writeBigUInt64LE(mask, 8);
  bytes.writeInt32LE(fd, 16);
  bytes.writeInt32LE(pid, 20);
  return bytes;
}

/** How many there are; none where they are refused. */
function eventsIn(bytes: Uint8Array): number {
  try {
    return parseEvents(Buffer.from(bytes)).length;
  } catch (error) {
    if (error instanceof PlatformError) return 0;
    throw error;
  }
}

describe("what the kernel says to the gate", () => {
  test("is read event by event, longer ones too, and a full queue is no question", () => {
    const bytes = [
      event(0x4_0000n, 7, 100),
      event(0x1_0000n, 8, 101, { length: 40 }),
      event(0x4000n, -1, 0),
      event(0x4_0000n, 9, 0),
    ];
    expect(parseEvents(Buffer.concat(bytes))).toEqual([
      { what: "exec", fd: 7, pid: 100 },
      { what: "open", fd: 8, pid: 101 },
      { what: "overflow" },
      { what: "exec", fd: 9, pid: 0 },
    ]);
  });

  test.each([
    ["another version", event(0x4_0000n, 7, 1, { version: 4 })],
    ["an event that is shorter than its head", event(0x4_0000n, 7, 1, { length: 0 }).fill(0, 0, 4)],
  ])("is refused where it is %s", (_, bytes) => {
    expect(() => parseEvents(bytes)).toThrow(PlatformError);
  });

  test("no bytes make it hang or fail otherwise, and no descriptor of a whole event is forgotten", () => {
    const some = fc.array(fc.tuple(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(0x4_0000n, 0x1_0000n)));
    fc.assert(
      fc.property(some, fc.uint8Array({ maxLength: eventBytes - 1 }), (events, torn) => {
        const bytes = Buffer.concat([...events.map(([fd, mask]) => event(mask, fd, 1)), torn]);
        expect(parseEvents(bytes).map((e) => (e.what === "overflow" ? -1 : e.fd))).toEqual(events.map(([fd]) => fd));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(eventsIn(bytes)).toBeLessThanOrEqual(bytes.length / eventBytes);
      }),
    );
  });
});

function mount(device: string, path: string, type: string): Mount {
  return { id: `${device} ${path}`, device, root: Buffer.from("/"), path: Buffer.from(path), type, layers: [] };
}
const paths = (mounts: readonly Mount[]): readonly string[] => mounts.map(({ path }) => Buffer.from(path).toString());

describe("the table of mounts", () => {
  test("is read with names that hold spaces, newlines and bytes that are no text", () => {
    const table = Buffer.from(
      "27 1 254:0 / / rw - ext4 /dev/vda rw\n" +
        "30 27 0:40 / /mnt/a\\040b\\012c\\134d rw shared:1 master:2 - tmpfs none rw\n" +
        "31 27 0:41 / /mnt/\xff rw - fuse.sshfs x rw\n" +
        "32 27 0:42 / /mnt/over rw - overlay o rw,lowerdir=/a\\040b:/c,upperdir=/u,workdir=/w\n",
      "latin1",
    );
    const [root, odd, fuse, over] = parseMounts(table);
    expect(root).toEqual({
      id: "27",
      device: "254:0",
      root: Buffer.from("/"),
      path: Buffer.from("/"),
      type: "ext4",
      layers: [],
    });
    expect(odd).toMatchObject({ device: "0:40", path: Buffer.from("/mnt/a b\nc\\d"), type: "tmpfs" });
    expect(fuse).toMatchObject({ path: Buffer.from("/mnt/\xff", "latin1"), type: "fuse.sshfs" });
    expect(over?.layers.map(String)).toEqual(["/a b", "/c", "/u"]);
  });

  test("any bytes are a table, perhaps an empty one", () => {
    const word = fc.oneof(
      fc.constantFrom("1", "0:1", "-", "/", "/a", "/a/b", "tmpfs", "nfs", "\\040", "\\777"),
      fc.string(),
    );
    const line = fc.array(word, { maxLength: 14 }).map((words) => words.join(" "));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join("\n"), "latin1")),
    );
    fc.assert(
      fc.property(bytes, (table) => {
        const mounts = parseMounts(table);
        const { gated, left } = choose(mounts);
        expect(gated.length + left.length).toBeLessThanOrEqual(mounts.length);
        expect(onlyBelow(["/a"], gated, mounts).length).toBeLessThanOrEqual(gated.length);
      }),
    );
  });

  test("says what is gated: what has programs and does not wait for a server or a user", () => {
    const { gated, left } = choose([
      mount("254:0", "/", "ext4"),
      mount("0:21", "/proc", "proc"),
      mount("0:40", "/run", "tmpfs"),
      mount("0:41", "/net/home", "nfs4"),
      mount("0:42", "/net/home/below", "tmpfs"),
      mount("0:43", "/net/homely", "ext4"),
      mount("0:44", "/mnt/app", "fuse.AppImage"),
      mount("0:45", "/var/lib/overlay", "overlay"),
      mount("0:46", "/srv", "xfs"),
      mount("0:47", "/srv", "cifs"),
    ]);
    expect(paths(gated)).toEqual(["/", "/run", "/net/homely", "/var/lib/overlay"]);
    expect(paths(left)).toEqual(["/net/home", "/mnt/app", "/srv", "/net/home/below", "/srv"]);
  });

  test("of another namespace so many are marked and no more, the one that a program was started from among them", () => {
    const ours = [mount("254:0", "/", "ext4")];
    const theirs = Array.from({ length: 5_000 }, (_, i) => mount(`0:${i}`, `/decoy/${i}`, "tmpfs"));
    const marked = foreignOf([...ours, ...theirs], ours, "0:4321");
    expect(marked).toHaveLength(64);
    expect(paths(marked)).toContain("/decoy/4321");
    expect(paths(marked)).not.toContain("/");
  });

  test("where only some mount points are gated, what is mounted below them is too, but nothing that is mounted elsewhere", () => {
    const all = [
      mount("254:0", "/", "ext4"),
      mount("0:40", "/try", "tmpfs"),
      mount("0:41", "/try/new", "tmpfs"),
      mount("254:0", "/try/root", "ext4"),
      mount("0:42", "/trying", "tmpfs"),
    ];
    expect(paths(onlyBelow(["/try/"], all, all))).toEqual(["/try", "/try/new"]);
    expect(paths(onlyBelow(["/"], all, all))).toEqual(paths(all));
  });
});
