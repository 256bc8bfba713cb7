import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { PublishError } from "#publish/error.ts";
import { grantException, withdrawExceptions } from "#publish/exceptions.ts";
import { parseProposal } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";
import type { Released } from "#publish/release.ts";
import { hasRepository, resignTimestamp, type Repository } from "#publish/repository.ts";
import type { Exceptions } from "#server/deps.ts";
import type { Metrics } from "#server/metrics.ts";
import { Refusal } from "#server/refusal.ts";
import { TrustError } from "#trust/error.ts";

/** Takes proposals into a repository; whatever speaks against one is told to whoever sent it. */
export function publishInto(where: Repository): (proposal: Uint8Array) => Promise<Released> {
  return (bytes) => inRepository(where, () => publishProposal({ ...where, proposal: parseProposal(bytes) }));
}

/** Signs exceptions into a repository, where its policy's signers let the server do that. */
export function exceptionsIn(where: Repository): Exceptions {
  return {
    grant: (ban, device, until) =>
      inRepository(where, async () => {
        const { grant, released } = await grantException({ ...where, ban, device, until });
        return { granted: grant.granted, until: grant.until, released };
      }),
    withdraw: (which) => inRepository(where, async () => (await withdrawExceptions({ ...where, ...which })).withdrawn),
  };
}

/** @throws Refusal */
async function inRepository<T>({ dir }: Repository, act: () => Promise<T>): Promise<T> {
  if (!(await hasRepository(dir))) throw new Refusal(503, "no-repository", "there is no repository here yet");
  try {
    return await act();
  } catch (error) {
    if (error instanceof PublishError && error.code === "PROPOSAL") throw new Refusal(400, "invalid", describe(error));
    if (error instanceof TrustError)
      throw new Refusal(error.code === "VERSION" ? 409 : 422, "untrusted", describe(error));
    throw error;
  }
}

/** Says "this is still the newest" for another three days. Quiet where there is no repository yet; never throws. */
export async function resign(where: Repository, metrics: Metrics, log: Log): Promise<void> {
  if (!(await hasRepository(where.dir))) return;
  try {
    const { problem, ...released } = await resignTimestamp(where);
    if (problem !== undefined) log.error(problem);
    metrics.resigned.set(where.clock.now() / 1000);
    log.info("the timestamp was signed again", { ...released });
  } catch (error) {
    log.error("the timestamp cannot be signed; devices will call the policy stale", { why: describe(error) });
  }
}
