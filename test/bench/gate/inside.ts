import { startConditions, type Condition } from "./conditions.ts";
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
const trees = compileC("trees", folder);
const parts: Readonly<Record<string, (conditions: readonly Condition[]) => Promise<readonly Row[]>>> = {
  seen,
  first,
  sustained: (all) => sustained(trees, all),
};
const conditions = await startConditions(folder);
try {
  const rows: Row[] = [];
  for (const [name, part] of Object.entries(parts))
    if (only.length === 0 || only.includes(name)) rows.push(...(await part(conditions.all)));
  console.log(JSON.stringify(rows));
} finally {
  await conditions.stop();
}
