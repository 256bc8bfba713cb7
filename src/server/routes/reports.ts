import { Hono } from "hono";
import { spooledEventSchema } from "#protocol/ocsf.ts";
import { reportBatchSchema, reportLimits, type ReportAnswer } from "#protocol/report.ts";
import type { DeviceId } from "#protocol/enrolment.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { describe } from "#lib/errors.ts";
import { parseJson, withinDepth } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import type { DeviceAuth } from "#server/device-auth.ts";
import type { NewReport } from "#server/store/store.ts";
import { invalid, wordsOf } from "#server/validation.ts";

type Refused = ReportAnswer["refused"][number];

/** POST /api/v1/reports: a batch of events; each is judged by itself, and stored once per (device, uid). */
export function reportRoutes({ store, clock, log, metrics }: Deps, auth: DeviceAuth): Hono<Env> {
  return new Hono<Env>().post("/reports", async (c) => {
    const { device, body } = await auth.authenticate(c, reportLimits.batchBytes);
    const batch = reportBatchSchema.safeParse(parseJson(body));
    if (!batch.success) throw invalid(batch.error);
    const good: NewReport[] = [];
    const refused: Refused[] = [];
    for (const [index, event] of batch.data.events.entries()) {
      const judged = judge(event, device.id);
      if ("code" in judged) refused.push({ index, ...judged });
      else good.push(judged);
    }
    const added = await store.saveReports(device.id, good, clock.now());
    metrics.reports.inc({ result: "stored" }, added);
    metrics.reports.inc({ result: "duplicate" }, good.length - added);
    metrics.reports.inc({ result: "refused" }, refused.length);
    if (refused.length > 0) log.warn("events of a device were refused", { device: device.id, refused: refused[0] });
    const stored = good.map((report) => report.uid);
    return c.json({ stored, duplicates: good.length - added, refused } satisfies ReportAnswer);
  });
}

function judge(event: unknown, device: DeviceId): NewReport | Omit<Refused, "index"> {
  if (!withinDepth(event, reportLimits.depth)) return { code: "too-deep", message: "the event nests too deep" };
  let text: string;
  try {
    text = JSON.stringify(event);
  } catch (error) {
    return { code: "invalid", message: describe(error) };
  }
  if (Buffer.byteLength(text) > reportLimits.eventBytes)
    return { code: "too-large", message: `an event has ${reportLimits.eventBytes} bytes at most` };
  const parsed = spooledEventSchema.safeParse(event);
  if (!parsed.success) return { code: "invalid", message: wordsOf(parsed.error) };
  const { data } = parsed;
  if (data.device.uid !== device)
    return { code: "other-device", message: "the event is of another device than the one that sent it" };
  const edict = data.class_uid === 6002 ? undefined : data.unmapped.edict;
  const verdict = edict !== undefined && "did" in edict ? edict : undefined;
  return {
    uid: data.metadata.uid ?? "",
    time: instantOf(data.time),
    classUid: data.class_uid,
    did: data.metadata.event_code ?? null,
    ban: verdict?.ban ?? null,
    tool: edict?.tool ?? null,
    mode: verdict?.mode ?? null,
    person: ("actor" in data ? data.actor?.user?.name : undefined) ?? null,
    message: data.message ?? null,
    event: text,
  };
}
