import { hash32 } from "#lib/pure/hash.ts";
import type { Instant } from "#lib/pure/instant.ts";
import type { Ban, Exception } from "#policy/ban.ts";
import type { Matcher } from "#policy/compile.ts";
import type { Device } from "#policy/device.ts";

/** One ban against one thing that was seen, at one moment on one device. */
export interface Case {
  readonly m: Matcher;
  readonly ban: Ban;
  /** Index of the stage that holds; undefined before the first. */
  readonly stage: number | undefined;
  readonly at: Instant;
  readonly device: Device;
  /** Login name of whoever it is about. */
  readonly person: string;
  /** Whether one identity at least proves the tool. */
  readonly proven: boolean;
  /** How many kinds of identity matched. */
  readonly kinds: number;
}

/** Why a rule applies, in words for a person; undefined where it does not. */
export type Rule = (c: Case) => string | undefined;

/** Stable for each device, and different devices for different bans. From 0 up to but not 100. */
export function percentile(ban: string, device: string): number {
  return (hash32(`${ban}\n${device}`) / 2 ** 32) * 100;
}

export const outOfScope: Rule = ({ ban: { id, scope }, device }) => {
  if (scope === undefined) return undefined;
  const { os, groups, percent } = scope;
  if (os !== undefined && !os.includes(device.os))
    return `it is for ${os.join(" and ")}, this device runs ${device.os}`;
  if (groups !== undefined && !groups.some((group) => device.groups.includes(group) || device.claimed.includes(group)))
    return `it is for ${groups.join(" and ")}, this device is in no such group`;
  if (percent !== undefined && percentile(id, device.id) >= percent)
    return `it is for ${percent} % of all devices, this is not one of them`;
  return undefined;
};

/** Index of the stage that holds; undefined before the first. Stages need not be sorted: the latest that began holds. */
export function stageAt(from: readonly number[], at: Instant): number | undefined {
  let latest: number | undefined;
  let since = -Infinity;
  for (let i = 0; i < from.length; i += 1) {
    const time = from[i] ?? Infinity;
    if (time <= at && time >= since) [latest, since] = [i, time];
  }
  return latest;
}

export const beforeFirstStage: Rule = ({ m, ban, stage }) => {
  if (stage !== undefined) return undefined;
  const first = ban.stages.toSorted((a, b) => m.time(a.from) - m.time(b.from))[0];
  return `it begins on ${first?.from}`;
};

/**
 * The exception that frees this person or device from the ban now: of several the one that lasts longest. A group that the
 * device only claims to be in frees nobody (TRUST.md, "Time").
 */
export function exceptionOf({ m, ban, at, device, person }: Case): Exception | undefined {
  if (ban.exceptions === "never") return undefined;
  const [longest] = m
    .exceptionsFor(ban.id, { person, device: device.id, groups: device.groups })
    .filter((exception) => m.exceptionBegin(exception) <= at && at < m.exceptionEnd(exception))
    .toSorted((a, b) => m.exceptionEnd(b) - m.exceptionEnd(a));
  return longest;
}

export const excepted: Rule = (c) => {
  const exception = exceptionOf(c);
  if (exception === undefined) return undefined;
  const why = exception.reason === undefined ? "" : `: ${exception.reason}`;
  return `there is an exception until ${exception.until}${why}`;
};

export const replacementMissing: Rule = ({ ban: { replacement }, device }) =>
  replacement?.ready === "required" && !device.installed.has(replacement.tool)
    ? `its replacement ${replacement.tool} was never installed here`
    : undefined;

export const breakerOpen: Rule = ({ ban, device }) =>
  device.breakers.has(ban.id)
    ? "it hit too much here, and its circuit breaker is open until the next policy"
    : undefined;

export const onlyHints: Rule = ({ proven, kinds }) =>
  !proven && kinds > 1 ? `${kinds} kinds of hint point to it, and hints never block` : undefined;

export const onlyOneHint: Rule = ({ proven, kinds }) =>
  !proven && kinds === 1 ? "a single hint points to it" : undefined;

/** An acknowledged warning lets the tool run; it does nothing against a block. */
export const acknowledged: Rule = (c) => {
  if (c.ban.stages[c.stage ?? -1]?.mode !== "warn") return undefined;
  const open = c.device.acknowledged.find(
    (a) => a.ban === c.ban.id && a.person === c.person && c.at < c.m.time(a.until),
  );
  return open === undefined ? undefined : `${c.person} has acknowledged the warning until ${open.until}`;
};

export const emergencyStop: Rule = ({ device }) =>
  device.enforcement === "observe" ? "the emergency stop is on: this device only observes" : undefined;
