import type { Wanted } from "#policy/compile.ts";

/** Whether two policies want the same read of files: what was read for one counts for the other. */
export function sameWants(a: Wanted, b: Wanted): boolean {
  return textOf(a) === textOf(b);
}

function textOf(wanted: Wanted): string {
  const { needles, sizes, ecosystems, extensions, signers } = wanted;
  const sets = [[...sizes].toSorted((a, b) => a - b), [...ecosystems].toSorted(), [...signers].toSorted()];
  return JSON.stringify([needles, sets, extensions]);
}
