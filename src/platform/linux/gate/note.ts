import koffi from "koffi";
import { closeSync, ftruncateSync, readlinkSync, readSync } from "node:fs";
import type { Libc } from "#platform/linux/libc.ts";

/**
 * What a gate is reading from, in a page of memory that it shares with whoever started it: it outlives the gate, and says what a gate stood
 * still on that the kernel had to end. A note is three stores to memory; sending it, or writing it to a file, would be a system call
 * for every reading.
 *
 * The page holds an f64, when the reading began in milliseconds of the monotonic clock (0: nothing is read), and from byte 8 on the
 * device's major and minor as u32 each.
 */
const pageBytes = 4096;
const name = "edict-gate";
/** Milliseconds of one reading after which the dead man's switch must have been what ended it: 700 from at most 50 before it began. */
const stillAfter = 600;

/** Milliseconds of CLOCK_MONOTONIC (clock_gettime(2)): every process has the same. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The gate's side. Without a page nothing is noted, and all else goes on. */
export class Note {
  readonly #since: Float64Array | undefined;
  readonly #device: Uint32Array | undefined;
  #noted = "";

  /** @param fd what `startGate` left there; anything else is let alone */
  constructor(fd: number) {
    const page = mapped(fd);
    if (page === undefined) return;
    this.#since = new Float64Array(page, 0, 1);
    this.#device = new Uint32Array(page, 8, 2);
  }

  /** Before each reading, with its device, and after it with none. */
  reading(device: string | undefined): void {
    if (this.#since === undefined) return;
    if (device === undefined) {
      this.#since[0] = 0;
      return;
    }
    if (device !== this.#noted) {
      this.#device?.set(device.split(":").map(Number));
      this.#noted = device;
    }
    this.#since[0] = monotonic();
  }
}

function mapped(fd: number): ArrayBuffer | undefined {
  const [PROT_READ, PROT_WRITE, MAP_SHARED] = [1, 2, 1];
  try {
    if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(`/memfd:${name} `)) return undefined;
  } catch {
    return undefined; // there is none
  }
  // mmap(2)
  const mmap: (at: null, length: number, protection: number, flags: number, fd: number, offset: number) => bigint =
    koffi.load(null).func("void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)");
  const at = mmap(null, pageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return BigInt.asIntN(64, at) === -1n ? undefined : koffi.view(at, pageBytes);
}

/** The supervisor's side: the page as a descriptor, for one gate. */
export class NotePage {
  readonly fd: number;

  /** @throws SystemCallError */
  constructor(libc: Libc) {
    this.fd = libc.memoryFile(name);
    ftruncateSync(this.fd, pageBytes);
  }

  /** Of a gate that has ended just now, `at` this time: the device that it stood still on. */
  stoodOn(at: number = monotonic()): string | undefined {
    const said = Buffer.alloc(16);
    readSync(this.fd, said, 0, said.length, 0);
    const since = said.readDoubleLE(0);
    return since > 0 && at - since >= stillAfter ? `${said.readUInt32LE(8)}:${said.readUInt32LE(12)}` : undefined;
  }

  close(): void {
    closeSync(this.fd);
  }
}
