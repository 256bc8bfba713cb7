import { builds, type Start } from "./build.ts";
import { nothing, peer, startConditions, type Condition } from "./conditions.ts";
import { mountImages } from "./place.ts";
import { hasFapolicyd, startFapolicyd } from "./watchers.ts";
import { Workshop } from "./workshop.ts";
import { compileC } from "./driver.ts";
import { first } from "./first.ts";
import { seen } from "./seen.ts";
import { sustained } from "./sustained.ts";
import type { Row } from "../table.ts";

/**
 * Run by ../gate.ts in a mount namespace of its own: everything that is mounted here goes with it. Prints rows.
 * Its words: a folder of its own, and the parts to be measured, or none for all.
 */
const [folder, ...only] = process.argv.slice(2);
if (folder === undefined) throw new Error("it needs a folder of its own");
const parts: Readonly<Record<string, (conditions: readonly Condition[]) => Promise<readonly Row[]>>> = {
  seen,
  first,
  sustained: (all) => sustained(compileC("trees", folder), all),
};
const wanted = (name: string): boolean => only.length === 0 || only.includes(name);
const rows: Row[] = [];
mountImages(folder);
const conditions = await startConditions(folder);
try {
  for (const [name, part] of Object.entries(parts)) if (wanted(name)) rows.push(...(await part(conditions.all)));
} finally {
  await conditions.stop();
}
if (wanted("builds")) {
  const workshop = new Workshop(folder);
  const starts = new Map<string, Start>([[nothing, () => Promise.resolve(undefined)]]);
  if (hasFapolicyd()) starts.set(peer, () => startFapolicyd(folder, "/nowhere"));
  rows.push(...(await builds(workshop, starts)));
}
console.log(JSON.stringify(rows));
