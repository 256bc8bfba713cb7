import { Hono } from "hono";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "#lib/errors.ts";
import { version } from "#lib/version.ts";
import type { Deps, Env } from "#server/deps.ts";

/** What load balancers and Prometheus ask. */
export function healthRoutes({ store, repository, metrics, wakes, log }: Deps): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/healthz", (c) => c.json({ ok: true, name: "edict-server", version }));
  app.get("/readyz", async (c) => {
    const checks = {
      database: await store.ping().then(
        () => true,
        (error: unknown) => (log.error("the database does not answer", { why: describe(error) }), false),
      ),
      repository: await access(join(repository, "timestamp.json")).then(
        () => true,
        () => false,
      ),
    };
    const ok = Object.values(checks).every(Boolean);
    return c.json({ ok, ...checks }, ok ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    metrics.waiting.set(wakes.waiting);
    metrics.devices.set((await store.counts()).devices);
    return c.text(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType });
  });
  return app;
}
