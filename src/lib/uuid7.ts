import { randomBytes } from "node:crypto";
import type { Clock } from "#lib/clock.ts";

/**
 * A generator of UUIDs of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then a counter of 12 bits (6.2, method 1),
 * then 62 random bits. What one generator makes is strictly ascending, also within a millisecond and while the clock goes
 * back: then it goes on counting from the newest time it has seen.
 */
export function uuid7(clock: Clock, random: (size: number) => Uint8Array = pooled()): () => string {
  let last = 0;
  let counter = 0;
  return () => {
    const now = Math.max(0, Math.min(clock.now(), 2 ** 48 - 1));
    const fresh = random(10);
    const view = Buffer.from(fresh);
    if (now > last) {
      last = now;
      counter = view.readUInt16BE(0) & 0x7ff; // the top bit is left free, for counting
    } else if (counter < 0xfff) counter += 1;
    else {
      last += 1; // 2,048 in one millisecond: borrow from the next
      counter = 0;
    }
    const bytes = Buffer.alloc(16);
    bytes.writeUIntBE(last, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    view.copy(bytes, 8, 2, 10);
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
    const hex = bytes.toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}

/** Random bytes, of which the kernel is asked for many at once: each question takes longer than all the rest of an id. */
function pooled(): (size: number) => Uint8Array {
  let pool: Uint8Array = Buffer.of();
  return (size) => {
    if (pool.length < size) pool = randomBytes(4096);
    const some = pool.subarray(0, size);
    pool = pool.subarray(size);
    return some;
  };
}
