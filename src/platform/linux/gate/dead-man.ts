import koffi from "koffi";
import { PlatformError } from "#platform/platform.ts";

// asm/unistd_64.h and asm-generic/unistd.h
const numbers = { x64: { create: 222, settime: 223 }, arm64: { create: 107, settime: 110 } } as const;
const CLOCK_MONOTONIC = 1;
const SIGKILL = 9;

/**
 * A dead man's switch: unless it is held again in time, the kernel kills this process (timer_create(2), SIGEV_SIGNAL). It needs nobody
 * who watches, who could be waiting in execve(2) for this very process, and it kills a stopped process too (signal(7)).
 */
export class DeadMan {
  readonly #settime: (n: number, id: number, flags: number, spec: Uint8Array, old: number) => number;
  readonly #number: number;
  readonly #id: number;
  readonly #spec = Buffer.alloc(32); // struct itimerspec: interval and value, each u64 seconds, nanoseconds

  /** @param milliseconds less than 1,000 @throws PlatformError `unsupported` */
  constructor(milliseconds: number, arch: string = process.arch) {
    if (arch !== "x64" && arch !== "arm64") throw new PlatformError("unsupported", `no system calls known for ${arch}`);
    const { create, settime } = numbers[arch];
    const lib = koffi.load(null);
    const timerCreate: (n: number, clock: number, event: Uint8Array, id: Uint8Array) => number = lib.func(
      "long syscall(long n, long clock, const uint8_t *event, _Out_ uint8_t *id)",
    );
    this.#settime = lib.func("long syscall(long n, long id, long flags, const uint8_t *spec, long old)");
    this.#number = settime;
    this.#spec.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n, 24);
    const event = Buffer.alloc(64); // struct sigevent: value, s32 signo, s32 notify (0 is SIGEV_SIGNAL)
    event.writeInt32LE(SIGKILL, 8);
    const id = Buffer.alloc(4);
    if (timerCreate(create, CLOCK_MONOTONIC, event, id) < 0)
      throw new PlatformError("unsupported", "the kernel gives no timer (timer_create)");
    this.#id = id.readInt32LE(0);
  }

  /** From now on the time runs anew. @throws PlatformError `failed` */
  hold(): void {
    if (this.#settime(this.#number, this.#id, 0, this.#spec, 0) < 0)
      throw new PlatformError("failed", "the dead man's switch does not hold (timer_settime)");
  }
}
