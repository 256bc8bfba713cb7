import { loadCatalog } from "#cli/catalog.ts";
import type { Row } from "../table.ts";
import { builds, type Guest } from "./build.ts";
import { nothing, peer, startConditions, type Condition } from "./conditions.ts";
import { compileC } from "./driver.ts";
import { bans, first } from "./first.ts";
import { mountImages, Place } from "./place.ts";
import { forAgent } from "./policy.ts";
import { seen } from "./seen.ts";
import { pace, steady } from "./sustained.ts";
import { hasFapolicyd, startFapolicyd } from "./watchers.ts";
import { prepareAgent } from "./whole.ts";
import { Workshop } from "./workshop.ts";

/**
 * Run by ../gate.ts in a mount namespace of its own: everything that is mounted here goes with it. Prints rows.
 * Its words: a folder of its own, and the parts to be measured, or none for all.
 */
const [folder, ...only] = process.argv.slice(2);
if (folder === undefined) throw new Error("it needs a folder of its own");
const wanted = (name: string): boolean => only.length === 0 || only.includes(name);
mountImages(folder);
const [driver, trees] = [compileC("driver", folder), compileC("trees", folder)];
const wholeAgent = "Edict, the whole agent";
const rows: Row[] = [];

/** In turns of milliseconds: gates only, for an agent sees what runs in everybody's place. */
async function measureGates(at: string): Promise<void> {
  const conditions = await startConditions(at, driver);
  const { all, many } = conditions;
  const parts: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
    seen: () => seen(all),
    first: () => first(all),
    bans: () => bans(many),
    trees: () => pace(trees, all),
  };
  try {
    for (const [name, part] of Object.entries(parts)) if (wanted(name)) rows.push(...(await part()));
  } finally {
    await conditions.stop();
  }
}

/** One after the other, each alone with its place. */
async function measureWholes(at: string): Promise<void> {
  const place = new Place(at, "place");
  const workshop = wanted("builds") ? new Workshop(at) : undefined;
  const agent = await prepareAgent(at, forAgent(await loadCatalog()));
  const mounts = [place.root, ...(workshop === undefined ? [] : [workshop.root])];
  const banned = place.pathOf(place.banned);
  const guests: Guest[] = [
    { name: nothing, start: () => Promise.resolve(undefined) },
    { name: wholeAgent, start: () => agent.start(mounts) },
    ...(hasFapolicyd() ? [{ name: peer, start: () => startFapolicyd(at, banned) }] : []),
  ];
  try {
    if (wanted("sustained"))
      for (const { name, start } of guests) {
        const watcher = await start();
        if (watcher === undefined) continue;
        const condition: Condition = { name, place, watcher };
        try {
          rows.push(...(await steady(trees, condition)));
        } finally {
          await watcher.stop();
        }
      }
    if (workshop !== undefined) rows.push(...(await builds(workshop, driver, guests, wholeAgent)));
  } finally {
    await agent.close();
  }
}

if (["seen", "first", "bans", "trees"].some(wanted)) await measureGates(folder);
if (["sustained", "builds"].some(wanted)) await measureWholes(folder);
console.log(JSON.stringify(rows));
