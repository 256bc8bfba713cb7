import { Hono } from "hono";
import { exceptionRequestSchema, type RequestAnswer } from "#protocol/report.ts";
import { parseJson } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import type { DeviceAuth } from "#server/device-auth.ts";
import { invalid } from "#server/validation.ts";

/** POST /api/v1/requests: somebody asks for an exception, through their device. Stored once per (device, id). */
export function requestRoutes({ store, clock, log }: Deps, auth: DeviceAuth): Hono<Env> {
  return new Hono<Env>().post("/requests", async (c) => {
    const { device, body } = await auth.authenticate(c, 64 * 1024);
    const request = exceptionRequestSchema.safeParse(parseJson(body));
    if (!request.success) throw invalid(request.error);
    const created = await store.saveRequest(device.id, request.data, clock.now());
    if (created) log.info("an exception was asked for", { device: device.id, ban: request.data.ban });
    return c.json({ id: request.data.id, created } satisfies RequestAnswer, created ? 201 : 200);
  });
}
