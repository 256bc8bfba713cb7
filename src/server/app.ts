import { Hono, type Context } from "hono";
import { routePath } from "hono/route";
import { describe } from "#lib/errors.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import type { Refusal as RefusalBody } from "#protocol/proof.ts";
import type { Deps, Env } from "#server/deps.ts";
import { DeviceAuth } from "#server/device-auth.ts";
import { RateLimit } from "#server/limits.ts";
import { Refusal } from "#server/refusal.ts";
import { adminRoutes } from "#server/routes/admin.ts";
import { consoleRoutes } from "#server/routes/console.ts";
import { enrolRoutes } from "#server/routes/enrol.ts";
import { exceptionRoutes } from "#server/routes/exceptions.ts";
import { healthRoutes } from "#server/routes/health.ts";
import { openapiRoutes } from "#server/routes/openapi.ts";
import { proposalRoutes } from "#server/routes/proposals.ts";
import { reportRoutes } from "#server/routes/reports.ts";
import { repositoryRoutes } from "#server/routes/repository.ts";
import { requestRoutes } from "#server/routes/requests.ts";
import { wakeRoutes } from "#server/routes/wake.ts";

/** Requests from one address: a whole office may stand behind it. The repository is not counted: it costs nothing. */
const addressEach = { burst: 600, perSecond: 100 };

/** The server as a function of its dependencies: no socket, no file but the repository, no clock but the one it is given. */
export function createApp(deps: Deps): Hono<Env> {
  const { clock, log, metrics, secure } = deps;
  const auth = new DeviceAuth(deps);
  const addresses = new RateLimit(clock, addressEach);
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const began = performance.now();
    if (!c.req.path.startsWith("/repo/")) addresses.take(c.env.incoming?.socket.remoteAddress ?? "");
    await next();
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
    if (secure) c.header("strict-transport-security", "max-age=31536000");
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    const route = routeOf(c);
    metrics.requests.inc({ route, status: c.res.status });
    metrics.seconds.observe({ route }, (performance.now() - began) / 1000);
  });

  app.route("/api/v1", enrolRoutes(deps, auth));
  app.route("/api/v1", reportRoutes(deps, auth));
  app.route("/api/v1", requestRoutes(deps, auth));
  app.route("/api/v1", wakeRoutes(deps, auth));
  app.route("/api/v1", proposalRoutes(deps));
  app.route("/api/v1", exceptionRoutes(deps));
  app.route("/api/v1", adminRoutes(deps));
  app.route("/repo", repositoryRoutes(deps));
  app.route("/", healthRoutes(deps));
  app.route("/", openapiRoutes());
  app.route("/", consoleRoutes(deps));

  app.notFound((c) => answer(c, new Refusal(404, "not-found", "there is nothing at this address")));
  app.onError((error, c) => {
    if (error instanceof Refusal) return answer(c, error);
    log.error("a request failed", { route: routeOf(c), why: describe(error) });
    return answer(c, new Refusal(500, "failed", "the server could not do it; its log says why"));
  });
  return app;
}

function answer(c: Context<Env>, refusal: Refusal): Response {
  if (refusal.retryAfter !== undefined) c.header("retry-after", String(refusal.retryAfter));
  const error = {
    code: refusal.code,
    message: refusal.message.slice(0, 1024),
    ...(refusal.now !== undefined && { now: formatInstant(refusal.now) }),
  };
  return c.json({ error } satisfies RefusalBody, refusal.status);
}

/** The route's pattern, never what a client typed. */
function routeOf(c: Context<Env>): string {
  return routePath(c, -1);
}
