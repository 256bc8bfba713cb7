import { array, assert, integer, nat, oneof, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { parseProcMessages } from "#platform/linux/proc-event.ts";

/** One netlink message of the proc connector: struct nlmsghdr, cn_msg and proc_event. */
function message(what: number, data: readonly number[], more: { type?: number; idx?: number } = {}): Buffer {
  const bytes = Buffer.alloc(76);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(more.type ?? 3, 4);
  bytes.writeUInt32LE(more.idx ?? 1, 16);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt16LE(40, 32);
  bytes.writeUInt32LE(what, 36);
  for (const [i, value] of data.entries()) bytes.writeUInt32LE(value, 52 + 4 * i);
  return bytes;
}
const execOf = (pid: number): Buffer => message(2, [pid, pid]);

test.each<[string, Buffer, ReturnType<typeof parseProcMessages>]>([
  ["an exec", execOf(4711), [{ what: "exec", pid: 4711 }]],
  [
    "two messages in one datagram",
    Buffer.concat([execOf(1), execOf(2)]),
    [
      { what: "exec", pid: 1 },
      { what: "exec", pid: 2 },
    ],
  ],
  ["the answer to listening", message(0, [0]), [{ what: "listening", error: 0 }]],
  ["a refusal to listen", message(0, [1]), [{ what: "listening", error: 1 }]],
  ["a fork", message(1, [1, 1, 2, 2]), []],
  ["an exit", message(0x8000_0000, [1, 1, 0, 17]), []],
  ["an exec of no process", execOf(0), []],
  ["an exec with a negative pid", message(2, [7, 0xffff_ffff]), []],
  ["another connector's message", message(2, [7, 7], { idx: 4 }), []],
  ["netlink's own word that something was dropped", message(2, [7, 7], { type: 4 }), [{ what: "overrun" }]],
  ["nothing", Buffer.alloc(0), []],
  ["a message that says it is longer than it is", execOf(7).subarray(0, 75), []],
  ["a length that would go on for ever", Buffer.alloc(64), []],
])("a datagram with %s", (_, bytes, expected) => {
  expect(parseProcMessages(bytes)).toEqual(expected);
});

test("whatever bytes come, cut or made up, the parser ends and names only pids that could be some", () => {
  const pieces = oneof(uint8Array({ maxLength: 120 }), nat(0x7fff_ffff).map(execOf));
  assert(
    property(array(pieces, { maxLength: 4 }), nat(300), (parts, cut) => {
      const bytes = Buffer.concat(parts);
      const all = [bytes, bytes.subarray(0, cut), bytes.subarray(cut)].flatMap(parseProcMessages);
      expect(all.filter((one) => one.what === "exec" && !(one.pid > 0))).toEqual([]);
    }),
  );
});

test("a cut datagram tells of every whole message before the cut, and of none after it", () => {
  assert(
    property(array(integer({ min: 1, max: 4_194_304 }), { maxLength: 20 }), nat(1600), (pids, cut) => {
      const bytes = Buffer.concat(pids.map(execOf)).subarray(0, cut);
      const whole = pids.slice(0, Math.floor(bytes.length / 76));
      expect(parseProcMessages(bytes)).toEqual(whole.map((pid) => ({ what: "exec", pid })));
    }),
  );
});
