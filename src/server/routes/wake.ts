import { Hono } from "hono";
import { wakeRequestSchema, type WakeAnswer } from "#protocol/wake.ts";
import { parseJson } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import type { DeviceAuth } from "#server/device-auth.ts";
import { invalid } from "#server/validation.ts";

/** POST /api/v1/wake: answered when there is news, so that a device looks within seconds and not within a minute. */
export function wakeRoutes({ wakes }: Deps, auth: DeviceAuth): Hono<Env> {
  return new Hono<Env>().post("/wake", async (c) => {
    const { body } = await auth.authenticate(c, 1024);
    const asked = wakeRequestSchema.safeParse(parseJson(body));
    if (!asked.success) throw invalid(asked.error);
    const edition = await wakes.heard(asked.data.known, c.req.raw.signal);
    return c.json({ edition } satisfies WakeAnswer);
  });
}
