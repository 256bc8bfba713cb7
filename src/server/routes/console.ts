import { Hono, type Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { createHash, createHmac } from "node:crypto";
import { formatInstant } from "#lib/pure/instant.ts";
import { readBody } from "#server/body.ts";
import { loginPage, overviewPage } from "#server/console/page.ts";
import type { Deps, Env } from "#server/deps.ts";
import { sameSecret } from "#server/secret.ts";

const cookie = "edict_console";
const shown = { reports: 50, devices: 200, requests: 50 } as const;

/**
 * The console under `/`: read-only, one page, no script. The administrator's token, as `?token=` or typed in, is exchanged for a
 * cookie and leaves the address bar at once.
 */
export function consoleRoutes(deps: Deps): Hono<Env> {
  const { store, adminToken, secure } = deps;
  const pass = createHmac("sha256", adminToken).update("console").digest("base64url");
  const app = new Hono<Env>();

  const admit = (c: Context<Env>, token: string): Response | undefined => {
    if (!sameSecret(token, adminToken)) return undefined;
    setCookie(c, cookie, pass, { httpOnly: true, sameSite: "Strict", path: "/", secure, maxAge: 12 * 3600 });
    return c.redirect("/", 303);
  };
  app.get("/", async (c) => {
    const token = c.req.query("token");
    if (token !== undefined) return admit(c, token) ?? (await page(c, loginPage(true), 401));
    if (!sameSecret(getCookie(c, cookie) ?? "", pass)) return await page(c, loginPage(false), 401);
    const [counts, devices, reports, requests] = await Promise.all([
      store.counts(),
      store.devices({ limit: shown.devices }),
      store.latestReports(shown.reports),
      store.latestRequests(shown.requests),
    ]);
    const overview = {
      counts,
      devices: devices.map((d) => ({ ...d, seenAt: formatInstant(d.seenAt) })),
      reports: reports.map((r) => ({ ...r, time: formatInstant(r.time) })),
      requests,
    };
    return await page(c, overviewPage(overview), 200);
  });
  app.post("/login", async (c) => {
    const form = new URLSearchParams(new TextDecoder().decode(await readBody(c.req.raw, 4096)));
    return admit(c, form.get("token") ?? "") ?? (await page(c, loginPage(true), 401));
  });
  return app;
}

async function page(c: Context<Env>, content: ReturnType<typeof overviewPage>, status: 200 | 401): Promise<Response> {
  const text = (await content).toString();
  c.header("content-security-policy", policyFor(text));
  return c.html(text, status);
}

/** Nothing but our own style, by its hash (CSP Level 3, 8.4). */
function policyFor(text: string): string {
  const style = /<style>([^]*?)<\/style>/.exec(text)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
}
