import { Hono } from "hono";
import { z } from "zod";
import { parseInstant } from "#lib/pure/instant.ts";
import { idSchema, instantSchema } from "#policy/text.ts";
import { deviceIdSchema } from "#protocol/enrolment.ts";
import { adminOnly } from "#server/admin-only.ts";
import { parseJson, readBody } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import { Refusal } from "#server/refusal.ts";
import { invalid } from "#server/validation.ts";

export const grantSchema = z.strictObject({ ban: idSchema, device: deviceIdSchema, until: instantSchema });

/** Which exceptions are taken back: of one ban, of one device, or of both. Taking back all is for who is at the machine. */
const withdrawSchema = z
  .strictObject({ ban: idSchema.optional(), device: deviceIdSchema.optional() })
  .refine(({ ban, device }) => ban !== undefined || device !== undefined, { error: "say which ban, or which device" });

/**
 * What an administrator grants: the server signs it with a key that can loosen what the policy lets it loosen, and devices hold
 * it to that. POST /api/v1/exceptions grants, DELETE takes back.
 */
export function exceptionRoutes({ store, exceptions, adminToken, log }: Deps): Hono<Env> {
  const app = new Hono<Env>();
  const admin = adminOnly(adminToken);
  app.post("/exceptions", admin, async (c) => {
    const asked = grantSchema.safeParse(parseJson(await readBody(c.req.raw, 4 * 1024)));
    if (!asked.success) throw invalid(asked.error);
    const { ban, device, until } = asked.data;
    // Anybody could read what was signed for a device that was mistyped, and nobody would have it.
    if ((await store.device(device)) === undefined) throw new Refusal(404, "no-device", "no such device is enrolled");
    const granted = await exceptions.grant(ban, device, parseInstant(until));
    log.info("an exception was granted", { ban, device, until: granted.until });
    return c.json({ ban, device, ...granted }, 201);
  });
  app.delete("/exceptions", admin, async (c) => {
    const asked = withdrawSchema.safeParse(c.req.query());
    if (!asked.success) throw invalid(asked.error);
    const withdrawn = await exceptions.withdraw(asked.data);
    log.info("exceptions were taken back", { ...asked.data, withdrawn });
    return c.json({ withdrawn });
  });
  return app;
}
