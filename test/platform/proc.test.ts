import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isPerson, parsePasswd } from "#platform/linux/people.ts";
import {
  deviceText,
  dropsTerm,
  parseCmdline,
  parseEnviron,
  parseStat,
  parseStatus,
  startedAt,
  terminalName,
} from "#platform/linux/proc.ts";

const recorded = (name: string): Buffer => readFileSync(new URL(`recordings/linux/${name}`, import.meta.url));
const texts = (bytes: Uint8Array): string[] => parseCmdline(bytes).map((one) => Buffer.from(one).toString());

describe("/proc/PID/stat", () => {
  test.each([
    ["name-with-spaces", { pid: 31598, comm: "tool with space", start: 279179, tty: 0, kernel: false }],
    ["name-with-bracket-and-newline", { pid: 31597, comm: "a) R 1 (\nb", state: "S", ppid: 31590, session: 5312 }],
    ["kernel-thread", { pid: 2, comm: "kthreadd", ppid: 0, start: 24, kernel: true }],
    ["zombie", { pid: 31652, state: "Z", start: 279219 }],
    ["on-a-pseudo-terminal", { pid: 31658, session: 31658, tty: 34816 }],
  ])("%s", (name, expected) => {
    expect(parseStat(recorded(`stat/${name}`))).toMatchObject(expected);
  });

  test("a process cannot forge a field by its name", () => {
    const plain = recorded("stat/zombie");
    const [from, to] = [plain.indexOf("("), plain.lastIndexOf(")")];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 15 }), (name) => {
        const bytes = Buffer.concat([plain.subarray(0, from + 1), name, plain.subarray(to)]);
        expect(parseStat(bytes)).toMatchObject({ pid: 31652, state: "Z", ppid: 31611, session: 5312, start: 279219 });
      }),
    );
  });

  test("what is no stat is an error of its own kind, never a wrong number", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => parseStat(bytes)).toThrow(expect.objectContaining({ name: "PlatformError" }) as Error);
      }),
    );
    const plain = recorded("stat/zombie");
    expect(() => parseStat(plain.subarray(0, 60))).toThrow(/stat/);
  });
});

describe("/proc/PID/cmdline", () => {
  test.each([
    ["empty-argv0", ["", "300"]],
    ["zombie", []],
    ["overwritten-by-process-title", ["renamed"]],
  ])("%s", (name, expected) => {
    expect(texts(recorded(`cmdline/${name}`))).toEqual(expected);
  });

  test("bytes that are not UTF-8 are kept", () => {
    expect(parseCmdline(recorded("cmdline/not-utf8-and-escape"))[0]).toEqual(Buffer.from("caf\xe9\x1b[31m", "latin1"));
  });

  test("every list of arguments that does not end empty comes back", () => {
    const argument = fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.filter((byte) => byte !== 0));
    fc.assert(
      fc.property(fc.array(argument), argument, (list, last) => {
        fc.pre(last.length > 0);
        const bytes = Buffer.concat([...list, last].flatMap((one) => [one, Buffer.of(0)]));
        expect(parseCmdline(bytes).map((one) => [...one])).toEqual([...list, last].map((one) => [...one]));
      }),
    );
  });

  test("of a variable that is set twice in the environment, the first counts", () => {
    const bytes = Buffer.from("LANG=de_DE\0LANG=fr_FR\0broken\0=x\0EMPTY=\0");
    expect([...parseEnviron(bytes)]).toEqual([
      ["LANG", "de_DE"],
      ["EMPTY", ""],
    ]);
  });
});

describe("/proc/PID/status", () => {
  test.each([
    ["name-with-newline", 0, true],
    ["kernel-thread", 0, true],
    ["unprivileged", 1000, false],
  ])("%s", (name, uid, capable) => {
    const status = parseStatus(recorded(`status/${name}`));
    expect(status.uid).toEqual({ real: uid, effective: uid });
    expect(status.capabilities !== 0n).toBe(capable);
  });

  // SIGTERM is the fifteenth bit.
  test.each([
    ["of an ordinary process", "31653", "0", "0", false],
    ["of the machine's first one", "1", "0", "0", false],
    ["of a namespace's first one", "31653\t1", "0", "0", true],
    ["of one in a namespace in a namespace", "31653\t7\t1", "0", "0", true],
    ["of another one in a namespace", "31653\t11", "0", "0", false],
    ["of a first one that has a handler", "31653\t1", "4000", "0", false],
    ["of a first one with handlers for all but this", "31653\t1", "ffffffffffffbfff", "0", true],
    ["of a first one that blocks it, and takes it later", "31653\t1", "0", "4000", false],
  ])("SIGTERM %s is dropped: NSpid %s, SigCgt %s, SigBlk %s → %s", (_, pids, caught, blocked, dropped) => {
    const text = recorded("status/unprivileged").toString("latin1");
    const changed = text
      .replace(/^NSpid:.*$/m, `NSpid:\t${pids}`)
      .replace(/^SigCgt:.*$/m, `SigCgt:\t${caught.padStart(16, "0")}`)
      .replace(/^SigBlk:.*$/m, `SigBlk:\t${blocked.padStart(16, "0")}`);
    expect(dropsTerm(Buffer.from(changed, "latin1"))).toBe(dropped);
    expect(dropsTerm(Buffer.from(changed.replace(/^NSpid:.*\n/m, ""), "latin1"))).toBe(false);
  });

  test("cut in the middle it is an error", () => {
    expect(() => parseStatus(recorded("status/unprivileged").subarray(0, 80))).toThrow(/Uid/);
    const cut = recorded("status/unprivileged")
      .toString("latin1")
      .replace(/^NSpid:.*$/m, "NSpid:\t31653\t1");
    expect(() => dropsTerm(Buffer.from(cut.slice(0, cut.indexOf("SigCgt")), "latin1"))).toThrow(/SigCgt/);
  });
});

test("the boot's time and a start in ticks make an instant", () => {
  expect(startedAt(1_795_360_599, 279_179)).toBe("2026-11-22T16:03:10.79Z");
});

test.each([
  [0, null],
  [34816, "/dev/pts/0"],
  [34816 + 255, "/dev/pts/255"],
  [(136 << 8) | (1 << 20) | 7, "/dev/pts/263"],
  [(4 << 8) | 1, "/dev/tty1"],
  [(4 << 8) | 64, "/dev/ttyS0"],
  [(5 << 8) | 1, "/dev/char/5:1"],
])("terminal %i is %s", (device, name) => {
  expect(terminalName(device)).toBe(name);
});

test("a device number is told as major and minor", () => {
  expect(deviceText(0xfe00n)).toBe("254:0");
  const part = fc.bigInt({ min: 0n, max: 0xffff_ffffn });
  fc.assert(
    fc.property(part, part, (major, minor) => {
      // makedev(3)
      const low = (minor & 0xffn) | ((minor & ~0xffn) << 12n);
      const high = ((major & 0xfffn) << 8n) | ((major & ~0xfffn) << 32n);
      expect(deviceText(low | high)).toBe(`${major}:${minor}`);
    }),
  );
});

describe("passwd", () => {
  test("people are root, those from 1000 on, and services whose shell lets somebody in", () => {
    const all = parsePasswd(recorded("passwd/debian-12").toString());
    expect(all.filter(isPerson).map(({ name, uid, home }) => [name, uid, home])).toEqual([
      ["root", 0, "/root"],
      ["postgres", 101, "/var/lib/postgresql"],
      ["ann", 1000, "/home/ann"],
    ]);
  });

  test("lines that are no accounts are left out", () => {
    const all = parsePasswd(recorded("passwd/nis-and-broken-lines").toString());
    expect(all.map(({ name }) => name)).toEqual(["bob", "root"]);
    expect(all.filter(isPerson)).toHaveLength(2);
  });
});
