import { parseInstant } from "#lib/pure/instant.ts";
import type { Ban, Policy } from "#policy/ban.ts";
import { graceOf } from "#policy/notice.ts";
import { modes } from "#policy/verdict.ts";

/** More bans of one tool than this are not compared: it is a question for people, not a proof. */
const most = 100;

/** A ban of the same tool that decides whenever this one would; undefined where there is none. */
export function shadowOf(ban: Ban, ofTool: readonly Ban[], policy: Policy): Ban | undefined {
  return ofTool.slice(0, most).find((other) => other.id !== ban.id && covers(other, ban, policy));
}

function covers(other: Ban, ban: Ban, policy: Policy): boolean {
  if (policy.exceptions.some((exception) => exception.ban === other.id)) return false;
  if (other.replacement?.ready === "required" && other.replacement.tool !== ban.replacement?.tool) return false;
  if (other.replacement?.ready === "required" && ban.replacement?.ready !== "required") return false;
  if (!scopeCovers(other, ban)) return false;
  // All bans hold: the shorter grace counts, and `strict`, whichever decides.
  if (graceOf(ban) < graceOf(other) || (ban.strict === true && other.strict !== true)) return false;
  if (other.group !== undefined && ban.group === undefined) return false; // where both are as strict, the word is the base's
  const moments = [...other.stages, ...ban.stages].map((stage) => parseInstant(stage.from));
  const differences = moments.map((at) => modeAt(other, at) - modeAt(ban, at));
  if (differences.some((d) => d < 0)) return false;
  return (
    (other.group === undefined && ban.group !== undefined) ||
    differences.some((d) => d > 0) ||
    firstOf(other) < firstOf(ban) ||
    (firstOf(other) === firstOf(ban) && other.id < ban.id)
  );
}

function scopeCovers({ scope: wide = {} }: Ban, { scope: narrow = {} }: Ban): boolean {
  if (wide.percent !== undefined && wide.percent < 100) return false;
  return listCovers(wide.groups, narrow.groups) && listCovers(wide.os, narrow.os);
}

function listCovers(wide: readonly string[] | undefined, narrow: readonly string[] | undefined): boolean {
  return wide === undefined || (narrow !== undefined && narrow.every((entry) => wide.includes(entry)));
}

/** Rank of the mode at a moment; before the first stage that of "allow". */
function modeAt(ban: Ban, at: number): number {
  let [latest, rank] = [-Infinity, 0];
  for (const { from, mode } of ban.stages) {
    const time = parseInstant(from);
    if (time <= at && time >= latest) [latest, rank] = [time, modes.indexOf(mode)];
  }
  return rank;
}

function firstOf(ban: Ban): number {
  return Math.min(...ban.stages.map((stage) => parseInstant(stage.from)));
}
