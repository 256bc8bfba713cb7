import { closeSync, fstatSync, openSync, read, readSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

/**
 * A filesystem of one file, its root, that serves another file's bytes and reads them only while it is told to: `node fuse-file.ts FILE`
 * with /dev/fuse, mounted, as descriptor 3. A line on standard input that says "stall" keeps every reading from then on waiting, "go" answers
 * them. Ends with its input. The kernel's side is uapi/linux/fuse.h, protocol 7.31.
 */
const fuse = 3;
const file = openSync(process.argv[2] ?? "", "r");
const size = fstatSync(file).size;

const opcodes = { forget: 2, getattr: 3, open: 14, read: 15, release: 18, flush: 25, init: 26, interrupt: 36 } as const;
const [ENOSYS, S_IFREG, FOPEN_DIRECT_IO] = [38, 0o100_000, 1];
/** Bytes: more than the longest request, which is a header and a page of words. */
const request = Buffer.alloc(256 * 1024);

/** struct fuse_out_header: u32 length, s32 error, u64 unique. */
function reply(unique: bigint, body: Buffer, error = 0): void {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(head.length + body.length, 0);
  head.writeInt32LE(-error, 4);
  head.writeBigUInt64LE(unique, 8);
  writeSync(fuse, Buffer.concat([head, body]));
}

/** struct fuse_init_out: version, readahead, flags, and how much one request may ask for. */
function welcome(theirs: Buffer): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(theirs.readUInt32LE(8), 8);
  body.writeUInt16LE(16, 16);
  body.writeUInt16LE(12, 18);
  body.writeUInt32LE(128 * 1024, 20);
  body.writeUInt32LE(1, 24);
  return body;
}

/** struct fuse_attr_out: valid for an hour, so that nobody asks again. */
function attributes(): Buffer {
  const body = Buffer.alloc(104);
  body.writeBigUInt64LE(3600n, 0);
  body.writeBigUInt64LE(1n, 16); // ino
  body.writeBigUInt64LE(BigInt(size), 24);
  body.writeUInt32LE(S_IFREG | 0o600, 76); // mode
  body.writeUInt32LE(1, 80); // links
  body.writeUInt32LE(4096, 96); // block size
  return body;
}

/** struct fuse_read_in: u64 handle, u64 offset, u32 size. */
function bytesOf(body: Buffer): Buffer {
  const bytes = Buffer.alloc(body.readUInt32LE(16));
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, Number(body.readBigUInt64LE(8))));
}

let stalled = false;
const waiting: (() => void)[] = [];

function answer(opcode: number, unique: bigint, body: Buffer): void {
  switch (opcode) {
    case opcodes.init:
      return reply(unique, welcome(body));
    case opcodes.getattr:
      return reply(unique, attributes());
    case opcodes.open: {
      const opened = Buffer.alloc(16); // struct fuse_open_out: u64 handle, u32 flags
      opened.writeUInt32LE(FOPEN_DIRECT_IO, 8); // nothing is kept: each reading is asked for
      return reply(unique, opened);
    }
    case opcodes.read: {
      const now = (): void => reply(unique, bytesOf(body));
      return stalled ? void waiting.push(now) : now();
    }
    case opcodes.release:
    case opcodes.flush:
      return reply(unique, Buffer.of());
    case opcodes.forget:
    case opcodes.interrupt: // nothing is interrupted
      return;
    default:
      return reply(unique, Buffer.of(), ENOSYS);
  }
}

/** struct fuse_in_header: u32 length, u32 opcode, u64 unique, and 24 bytes about who asks. */
function serve(): void {
  read(fuse, request, 0, request.length, null, (error, length) => {
    if (error !== null) return closeSync(fuse); // it was unmounted
    const body = Buffer.from(request.subarray(40, length));
    answer(request.readUInt32LE(4), request.readBigUInt64LE(8), body);
    serve();
  });
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    stalled = line === "stall";
    if (!stalled) for (const now of waiting.splice(0)) now();
    console.log(line);
  })
  .on("close", () => process.exit());
serve();
