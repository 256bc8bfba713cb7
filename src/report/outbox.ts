import type { Clock } from "#lib/clock.ts";
import { quiet, type Log } from "#lib/log.ts";
import { uuid7 } from "#lib/uuid7.ts";
import type { OcsfEvent } from "#protocol/ocsf.ts";
import { reportLimits } from "#protocol/report.ts";
import type { Entry } from "#report/held.ts";
import { ReportError } from "#report/report-error.ts";
import type { Lane } from "#report/segment.ts";
import { Spool, type Spooled, type SpoolStatus } from "#report/spool.ts";

export interface OutboxOptions {
  readonly clock: Clock;
  /** What may lie on the disk, in bytes; 64 MiB when nothing is said. */
  readonly maxBytes?: number;
  readonly log?: Log;
}

const defaultBytes = 64 * 1024 * 1024;
/** Events that may wait for a slow disk. */
const queueMost = 10_000;

/**
 * The durable spool between what happened and the server (law 8). Opening never fails because of the disk: an agent with a
 * full or broken one goes on, in memory. @throws ReportError `IDENTITY` when the folder is somebody else's
 */
export async function openOutbox(dir: string, options: OutboxOptions): Promise<Outbox> {
  const spool = new Spool(dir, options.maxBytes ?? defaultBytes, options.log ?? quiet);
  await spool.recover();
  return new Outbox(spool, options.clock);
}

export class Outbox {
  readonly #spool: Spool;
  readonly #uid: () => string;
  #queue: Entry[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #wake: (() => void)[] = [];

  constructor(spool: Spool, clock: Clock) {
    this.#spool = spool;
    this.#uid = uuid7(clock);
  }

  /**
   * Gives the event its UUIDv7 and writes it down; it is on the disk when this resolves, with that uid.
   * @throws ReportError `DISK`: only in memory yet, and will be sent from there · `FULL`: dropped, and counted ·
   * `FORMAT`: too long for any server
   */
  put(event: OcsfEvent): Promise<string> {
    const uid = this.#uid();
    const text = JSON.stringify({ ...event, metadata: { ...event.metadata, uid } });
    if (Buffer.byteLength(text) > reportLimits.eventBytes)
      return Promise.reject(new ReportError("FORMAT", `an event of ${text.length} characters is too long to be sent`));
    return new Promise((resolve, reject) => {
      const entry = { lane: laneOf(event), uid, text, saved: () => resolve(uid), lost: reject };
      if (this.#queue.length >= queueMost) return this.#spool.drop(entry, "the disk is too slow");
      this.#queue.push(entry);
      if (this.#queue.length === 1) void this.#inTurn(() => this.#flush());
    });
  }

  /** The next events to send, the important and the old first. They stay until `done`. Never throws. */
  batch(limits: { readonly events: number; readonly bytes: number }): Promise<readonly Spooled[]> {
    return this.#inTurn(() => this.#spool.next(limits));
  }

  /** These were taken by the server, or never will be: they are forgotten. Never throws. */
  done(spooled: readonly Spooled[]): Promise<void> {
    return this.#inTurn(() => this.#spool.done(spooled));
  }

  /** Resolves when there is something to send, or the signal aborts. */
  async waiting(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.status().waiting === 0)
      await new Promise<void>((resolve) => {
        const stop = (): void => resolve();
        signal.addEventListener("abort", stop, { once: true });
        this.#wake.push(() => {
          signal.removeEventListener("abort", stop);
          resolve();
        });
      });
  }

  status(): SpoolStatus {
    return this.#spool.status();
  }

  /** Writes what is queued, and closes the files. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#flush();
      await this.#spool.close();
    });
  }

  /** One after the other: whoever touches the files has them alone. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #flush(): Promise<void> {
    const entries = this.#queue; // whoever comes meanwhile is the next group
    this.#queue = [];
    await this.#spool.write(entries);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** A match says what became of a verdict; inventory is what merely lies there. */
function laneOf(event: OcsfEvent): Lane {
  if (event.class_uid === 6002) return "health";
  return event.class_uid === 5020 && !("did" in event.unmapped.edict) ? "inventory" : "match";
}
