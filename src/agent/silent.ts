import type { House } from "#agent/house.ts";
import { aborted } from "#lib/aborted.ts";
import { instantOf } from "#lib/pure/instant.ts";

/** Where no server or no root is configured, nothing is trusted, and so nothing is banned. */
export const silent: House["trust"] = {
  updates: (_options, signal) => nothing(signal),
  recalled: Promise.resolve(),
  asked: Promise.resolve(),
  lookSoon: () => undefined,
  activated: () => Promise.resolve(),
  rejected: () => undefined,
  status: () => ({
    state: "empty",
    enforced: undefined,
    rejected: undefined,
    floor: instantOf(0),
    refreshed: undefined,
    lastError: undefined,
    problems: [],
    roles: {},
  }),
  close: () => undefined,
};

// oxlint-disable-next-line require-yield -- it waits for a signature that nobody can give
async function* nothing(signal: AbortSignal): AsyncGenerator<never> {
  await aborted(signal);
}
