import { Hono } from "hono";
import { z } from "zod";
import { formatInstant } from "#lib/pure/instant.ts";
import { adminOnly } from "#server/admin-only.ts";
import type { Deps, Env } from "#server/deps.ts";
import { invalid } from "#server/validation.ts";

const pageSchema = z.object({
  since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const devicesPageSchema = z.object({
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** What administrators and their tools read. */
export function adminRoutes({ store, adminToken }: Deps): Hono<Env> {
  const app = new Hono<Env>();
  const admin = adminOnly(adminToken);
  app.get("/devices", admin, async (c) => {
    const page = devicesPageSchema.safeParse(c.req.query());
    if (!page.success) throw invalid(page.error);
    const devices = await store.devices(page.data);
    return c.json({
      devices: devices.map((d) => ({ ...d, enrolledAt: formatInstant(d.enrolledAt), seenAt: formatInstant(d.seenAt) })),
      next: devices.at(-1)?.id ?? page.data.after ?? "",
    });
  });
  app.get("/reports", admin, async (c) => {
    const page = pageSchema.safeParse(c.req.query());
    if (!page.success) throw invalid(page.error);
    const reports = await store.reports(page.data);
    return c.json({
      reports: reports.map((r) => ({
        seq: r.seq,
        device: r.device,
        receivedAt: formatInstant(r.receivedAt),
        event: z.unknown().parse(JSON.parse(r.event)),
      })),
      next: reports.at(-1)?.seq ?? page.data.since,
    });
  });
  app.get("/requests", admin, async (c) => {
    const page = pageSchema.safeParse(c.req.query());
    if (!page.success) throw invalid(page.error);
    const requests = await store.requests(page.data);
    return c.json({
      requests: requests.map((r) => ({ ...r, receivedAt: formatInstant(r.receivedAt) })),
      next: requests.at(-1)?.seq ?? page.data.since,
    });
  });
  return app;
}
