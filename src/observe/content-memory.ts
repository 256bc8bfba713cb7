import { z } from "zod";
import type { Content } from "#observe/content-pass.ts";
import { Lru } from "#observe/lru.ts";
import { packageSeen, seenSchema, signerReading } from "#policy/evidence.ts";

/** How many readings are kept, and how many one message may bring. */
const most = 2_000;

/** What one process read of files' contents, as told to another (JSON). Least recently used first. */
export const knownContentsSchema = z.strictObject({
  /** The plan's: what was read by another plan says nothing. */
  digest: z.string(),
  readings: z
    .array(
      z.strictObject({
        /** `Stamp.key` of the state that was read: device, inode, size, mtime, ctime. */
        key: z.string().max(200),
        content: seenSchema.pick({ hash: true, marker: true }).extend({
          interpreter: z.string().optional(),
          signer: signerReading.optional(),
          packages: z.array(packageSeen).readonly().optional(),
        }),
      }),
    )
    .max(most)
    .readonly(),
});
export type KnownContents = z.infer<typeof knownContentsSchema>;

/** What was read of which state of which file; so many readings, then the least recently used are forgotten. */
export class ContentMemory {
  /** The digest of the plan that everything in here was read by. */
  readonly digest: string;
  readonly #known: Lru<string, Content>;

  constructor(digest: string, size: number = most) {
    this.digest = digest;
    this.#known = new Lru(size);
  }

  known(key: string): Content | undefined {
    return this.#known.get(key);
  }

  /** Keeps what was read of one state. What could not be read may be readable the next time, and is not kept. */
  learn(key: string, content: Content): void {
    if (!("unread" in content.marker)) this.#known.set(key, content);
  }

  /** The `size` readings used last, for another process with the same plan. */
  tell(size: number = most): KnownContents {
    const readings = Array.from(this.#known.entries(), ([key, content]) => ({ key, content }));
    return { digest: this.digest, readings: size > 0 ? readings.slice(-Math.min(size, most)) : [] };
  }

  /** Learns what another process told; nothing of what was read by another plan. Returns how many readings it took. */
  take({ digest, readings }: KnownContents): number {
    if (digest !== this.digest) return 0;
    for (const { key, content } of readings) this.learn(key, content);
    return readings.length;
  }
}
