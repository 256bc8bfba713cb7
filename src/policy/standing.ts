import type { Instant } from "#lib/pure/instant.ts";
import type { Ban } from "#policy/ban.ts";
import type { Matcher } from "#policy/compile.ts";
import { holds } from "#policy/decide.ts";
import type { Device } from "#policy/device.ts";
import { stageAt } from "#policy/rules.ts";
import type { Mode, Reason } from "#policy/verdict.ts";

/** One ban as it stands: what a proof of its tool would meet, and what comes next. */
export interface Standing {
  readonly mode: Mode;
  /** Since when its stage holds, ISO 8601; null before the first. */
  readonly since: string | null;
  readonly because: readonly Reason[];
  /** The next stage, as the ban writes it. */
  readonly next: { readonly mode: Mode; readonly from: string } | null;
}

/** How a ban stands at one moment on one device for one person, were its tool proven. Pure. */
export function standing(m: Matcher, ban: Ban, at: Instant, device: Device, person: string): Standing {
  const from = ban.stages.map((stage) => m.time(stage.from));
  const stage = stageAt(from, at);
  const { mode, because } = holds({ m, ban, stage, at, device, person, proven: true, kinds: 0 });
  const coming = ban.stages.filter((_, i) => (from[i] ?? 0) > at).toSorted((a, b) => m.time(a.from) - m.time(b.from));
  const next = coming[0];
  return {
    mode,
    since: stage === undefined ? null : (ban.stages[stage]?.from ?? null),
    because,
    next: next === undefined ? null : { mode: next.mode, from: next.from },
  };
}
