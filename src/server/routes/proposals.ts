import { Hono } from "hono";
import { readBody } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import { Refusal } from "#server/refusal.ts";

/** Bytes of a proposal: a packed policy and catalog with their signatures. */
const proposalBytes = 64 * 1024 * 1024;
/** Proposals that are held in memory at once. */
const atOnce = 1;

/**
 * POST /api/v1/proposals: a proposal that meets the signing threshold is its own authority. Whoever sends it needs nothing
 * else, and a server that is asked to publish anything else cannot: it has no key for it.
 */
export function proposalRoutes({ publish, log }: Deps): Hono<Env> {
  let busy = 0;
  return new Hono<Env>().post("/proposals", async (c) => {
    if (busy >= atOnce) throw new Refusal(503, "busy", "other proposals are being published", { retryAfter: 5 });
    busy += 1;
    try {
      const published = await publish(await readBody(c.req.raw, proposalBytes));
      log.info("a proposal was published", { ...published });
      return c.json(published);
    } finally {
      busy -= 1;
    }
  });
}
