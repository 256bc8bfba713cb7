import { setTimeout as after } from "node:timers/promises";
import { pause, type Backoff } from "#lib/backoff.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { quiet, type Log } from "#lib/log.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { reportAnswerSchema, reportLimits } from "#protocol/report.ts";
import type { ServerLink } from "#report/link.ts";
import type { Outbox } from "#report/outbox.ts";
import { ReportError } from "#report/report-error.ts";
import type { Spooled } from "#report/spool.ts";

/** How the sending goes, for `edict status` and the health reports. */
export interface UploadState {
  /** ISO 8601, of the last batch that the server took. */
  readonly lastSuccess: string | undefined;
  /** Since when nothing comes through, and why. */
  readonly failing: { readonly since: string; readonly code: string; readonly why: string } | undefined;
  readonly sent: number;
  /** Events that the server will never take. */
  readonly refused: number;
}

export interface Upload {
  readonly outbox: Outbox;
  readonly link: ServerLink;
  readonly clock: Clock;
  readonly log?: Log;
  /** Called when the server does not know this device (any more). */
  readonly enrol?: (signal: AbortSignal) => Promise<void>;
  readonly changed?: (state: UploadState) => void;
  readonly backoff?: Backoff;
}

const usual: Backoff = { firstMs: 1_000, maxMs: 5 * 60_000 };

/**
 * Sends what lies in the outbox, until the signal aborts: at least once, in batches, and nothing is forgotten that the server
 * has not named as stored or as refused. Whatever the server does — nothing, slowly, nonsense, too much — this waits longer
 * and longer and tries again; it rejects only for a fault of our own.
 */
export async function upload(options: Upload, signal: AbortSignal): Promise<void> {
  const { outbox, clock, log = quiet, backoff = usual } = options;
  let state: UploadState = { lastSuccess: undefined, failing: undefined, sent: 0, refused: 0 };
  const become = (next: UploadState): void => options.changed?.((state = next));
  let events: number = reportLimits.events;
  for (let failures = 0; ;) {
    await outbox.waiting(signal);
    if (signal.aborted) return;
    const now = (): string => formatInstant(clock.now());
    try {
      const { sent, refused } = await sendBatch(options, events, signal);
      failures = 0;
      events = reportLimits.events;
      become({ lastSuccess: now(), failing: undefined, sent: state.sent + sent, refused: state.refused + refused });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ReportError)) throw error;
      failures += 1;
      if (error.code === "TOO_LARGE") events = Math.max(1, Math.floor(events / 4));
      become({
        ...state,
        failing: { since: state.failing?.since ?? now(), code: error.code, why: error.message },
      });
      log.warn("reports cannot be sent yet", { code: error.code, why: error.message, failures });
      if (error.code === "UNKNOWN_DEVICE") await options.enrol?.(signal).catch((e: unknown) => log.warn(describe(e)));
      const wait = Math.max(pause(failures, Math.random(), backoff), error.retryAfterMs ?? 0);
      await after(wait, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function sendBatch(options: Upload, events: number, signal: AbortSignal) {
  const { outbox, link, log = quiet } = options;
  const batch = await outbox.batch({ events, bytes: reportLimits.batchBytes - 1024 });
  if (batch.length === 0) throw new ReportError("DISK", "the spool says that it has events, and none can be read");
  let answer;
  try {
    const body = `{"events":[${batch.map((line) => line.text).join(",")}]}`;
    answer = await link.post("/api/v1/reports", body, reportAnswerSchema, { signal });
  } catch (error) {
    if (!(error instanceof ReportError && error.code === "TOO_LARGE" && batch.length === 1)) throw error;
    log.error("one event is too long for the server, and is given up", { uid: batch[0]?.uid });
    await outbox.done(batch);
    return { sent: 0, refused: 1 };
  }
  const stored = new Set(answer.stored);
  const refused = new Map(answer.refused.map((r) => [r.index, r]));
  const settled = batch.filter((line: Spooled, index) => {
    const refusal = refused.get(index);
    if (refusal === undefined) return stored.has(line.uid);
    log.error("the server will never take this event", { uid: line.uid, code: refusal.code, why: refusal.message });
    return true;
  });
  if (settled.length === 0) throw new ReportError("FORMAT", "the server took the batch and named none of its events");
  await outbox.done(settled);
  const given = settled.filter((line) => !stored.has(line.uid)).length;
  return { sent: settled.length - given, refused: given };
}
