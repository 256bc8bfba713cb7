import type { MiddlewareHandler } from "hono";
import type { Env } from "#server/deps.ts";
import { Refusal } from "#server/refusal.ts";
import { bearer, sameSecret } from "#server/secret.ts";

/** `Authorization: Bearer <admin token>`, or 401. */
export function adminOnly(adminToken: string): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (!sameSecret(bearer(c.req.header("authorization")), adminToken))
      throw new Refusal(401, "admin-only", "this needs the administrator's token");
    await next();
  };
}
