import { z } from "zod";
import { readBounded, writeAtomic } from "#lib/atomic-file.ts";
import type { Clock } from "#lib/clock.ts";

/** Bytes of the file; more than this day's toasts can fill. */
const mostBytes = 1 << 20;
/** Pairs of person and ban that are counted in one day. */
const mostPairs = 10_000;
const fileSchema = z.strictObject({
  /** The local day, as in 2026-07-10. */
  day: z.string(),
  shown: z.array(z.strictObject({ person: z.string(), ban: z.string(), times: z.int().positive() })),
});

/** How many toasts each person got today for each ban: over a restart too, so that nobody is told again by it. */
export class ToastCounter {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #timeZone: string;
  #day = "";
  #shown = new Map<string, { readonly person: string; readonly ban: string; readonly times: number }>();
  #loaded: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `timeZone`: IANA name, it says when a day begins. */
  constructor(file: string, clock: Clock, timeZone: string) {
    this.#file = file;
    this.#clock = clock;
    this.#timeZone = timeZone;
  }

  /** Takes one of today's `most` places, or says that there is none. */
  async take(person: string, ban: string, most: number): Promise<boolean> {
    await (this.#loaded ??= this.#load());
    this.#turn();
    const key = JSON.stringify([person, ban]);
    const times = (this.#shown.get(key)?.times ?? 0) + 1;
    if (times > most || this.#shown.size >= mostPairs) return false;
    this.#shown.set(key, { person, ban, times });
    this.#save();
    return true;
  }

  /** Gives a place back: the toast was not seen. */
  giveBack(person: string, ban: string): void {
    const key = JSON.stringify([person, ban]);
    const times = (this.#shown.get(key)?.times ?? 0) - 1;
    if (times > 0) this.#shown.set(key, { person, ban, times });
    else this.#shown.delete(key);
    this.#save();
  }

  /** Resolves when what was counted is on disk, or the disk refused it. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #turn(): void {
    const today = Temporal.Instant.fromEpochMilliseconds(this.#clock.now())
      .toZonedDateTimeISO(this.#timeZone)
      .toPlainDate()
      .toString();
    if (today === this.#day) return;
    this.#day = today;
    this.#shown = new Map();
  }

  /** A missing or broken file means: nobody was told yet. To be told once too often does no harm. */
  async #load(): Promise<void> {
    try {
      const file = fileSchema.parse(JSON.parse((await readBounded(this.#file, mostBytes)).toString("utf8")));
      this.#day = file.day;
      for (const entry of file.shown.slice(0, mostPairs))
        this.#shown.set(JSON.stringify([entry.person, entry.ban]), entry);
    } catch {
      this.#shown = new Map();
    }
  }

  /** One write at a time; a disk that refuses is asked again at the next toast. */
  #save(): void {
    this.#writing = this.#writing.then(async () => {
      const bytes = Buffer.from(JSON.stringify({ day: this.#day, shown: [...this.#shown.values()] }));
      await writeAtomic(this.#file, bytes).catch(() => undefined);
    });
  }
}
