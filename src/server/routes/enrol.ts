import { Hono } from "hono";
import { enrolRequestSchema, type EnrolAnswer } from "#protocol/enrolment.ts";
import { proofHeader } from "#protocol/proof.ts";
import { parseJson, readBody } from "#server/body.ts";
import type { Deps, Env } from "#server/deps.ts";
import { pathOf, type DeviceAuth } from "#server/device-auth.ts";
import { claimedSigner, deviceIdOf, verifyProof } from "#server/proof.ts";
import { Refusal } from "#server/refusal.ts";
import { bearer, sameSecret } from "#server/secret.ts";
import { invalid } from "#server/validation.ts";

/** POST /api/v1/enrol: a key becomes a device, with the fleet's secret and the proof that the sender has that key. */
export function enrolRoutes({ store, clock, enrolSecret, log }: Deps, auth: DeviceAuth): Hono<Env> {
  return new Hono<Env>().post("/enrol", async (c) => {
    if (!sameSecret(bearer(c.req.header("authorization")), enrolSecret))
      throw new Refusal(403, "wrong-secret", "the enrolment secret is not this server's");
    const body = await readBody(c.req.raw, 16 * 1024);
    const request = enrolRequestSchema.safeParse(parseJson(body));
    if (!request.success) throw invalid(request.error);
    const { publicKey, hostname, os, agentVersion } = request.data;
    const id = deviceIdOf(publicKey);
    const proof = c.req.header(proofHeader);
    claimedSigner(proof);
    await verifyProof(proof ?? "", publicKey, { method: "POST", path: pathOf(c), body }, auth.context);
    const created = await store.enrol({ id, publicKey, hostname: hostname ?? null, os, agentVersion }, clock.now());
    if (created) log.info("a device was enrolled", { device: id, hostname, os });
    return c.json({ device: id, created } satisfies EnrolAnswer, created ? 201 : 200);
  });
}
