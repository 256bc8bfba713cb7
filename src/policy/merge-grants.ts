import { formatInstant, instantOf, parseDuration, parseInstant } from "#lib/pure/instant.ts";
import type { Ban, Exception } from "#policy/ban.ts";
import type { Conflict } from "#policy/conflict.ts";
import type { Grant } from "#policy/granted.ts";

/** How long an exception of the server's lasts at most where its ban does not say. */
export const longest = "P30D";

/**
 * The server's exceptions for one device, as far as their bans allow them: never from a ban that says "never", and for no longer
 * than its `exceptions.max`. Those of other devices lie in the same file and are nobody's business here.
 */
export function exceptionsOf(
  grants: readonly Grant[],
  bans: readonly Ban[],
  device: { readonly id: string; readonly hash: string },
): { readonly exceptions: readonly Exception[]; readonly conflicts: readonly Conflict[] } {
  const exceptions: Exception[] = [];
  const conflicts: Conflict[] = [];
  const own = grants.filter((grant) => grant.device === device.hash);
  const byId = new Map(own.length === 0 ? [] : bans.map((ban) => [ban.id, ban]));
  for (const grant of own) {
    const { exception, why } = judged(grant, byId.get(grant.ban), device.id);
    if (exception !== undefined) exceptions.push(exception);
    if (why !== undefined) conflicts.push({ part: "exceptions", what: "exception", id: grant.ban, why });
  }
  return { exceptions, conflicts };
}

/** What a grant comes to: as it says, or shortened and why, or nothing and why. */
function judged(
  { ban: id, granted, until }: Grant,
  ban: Ban | undefined,
  device: string,
): { readonly exception?: Exception; readonly why?: string } {
  if (ban === undefined) return { why: "does not count: no ban of that id is in force here" };
  if (ban.exceptions === "never") return { why: "does not count: this ban allows none" };
  const [from, to] = [parseInstant(granted), parseInstant(until)];
  if (to <= from) return { why: `does not count: it ends on ${until}, before it was granted` };
  const exception: Exception = { ban: id, device, granted, until, by: "server" };
  const max = ban.exceptions?.max ?? longest;
  const end = from + Math.floor(parseDuration(max));
  if (to <= end) return { exception };
  const cut = formatInstant(instantOf(end));
  return {
    exception: { ...exception, until: cut },
    why: `ends on ${cut} and not on ${until}: ${max} from its grant on ${granted} is the longest${ban.exceptions === undefined ? " where a ban does not say" : " that the ban allows"}`,
  };
}
