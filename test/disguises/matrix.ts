import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { now, start, type Result } from "./cell.ts";
import { prepare } from "./disguises.ts";
import type { Disguise } from "./disguise.ts";
import type { Enforcer } from "./enforcer.ts";
import type { Prepared } from "./launch.ts";
import { give, type Place } from "./place.ts";
import type { Tool } from "./tool.ts";

/** One disguise of one tool. */
export interface Case {
  readonly disguise: Disguise;
  readonly tool: Tool;
}

export interface Cell extends Case {
  readonly result: Result;
}

/** Runs every case against one enforcer. Everything is made while nobody watches. `tell` hears each cell as it is known. */
export async function runMatrix(
  place: Place,
  cases: readonly Case[],
  enforcer: Enforcer,
  tell: (cell: Cell) => void,
): Promise<readonly Cell[]> {
  const all = cases.map((one) => ({ ...one, prepared: prepare(one.disguise, one.tool, place) }));
  const cells: Cell[] = [];
  const add = ({ disguise, tool }: Case, result: Result): void => {
    const cell = { disguise, tool, result };
    cells.push(cell);
    tell(cell);
  };
  const startable = all.flatMap(({ prepared, ...one }) => {
    if (!("not" in prepared)) return [{ ...one, launch: prepared }];
    add(one, { is: "not applicable", why: prepared.not });
    return [];
  });
  await enforcer.start();
  try {
    checkInnocent(place);
    for (const { launch, ...one } of startable.filter((each) => each.launch.when === undefined))
      add(one, await start(place, launch, enforcer.life).ended);
  } finally {
    await enforcer.stop();
  }
  for (const { launch, ...one } of startable)
    if (launch.when !== undefined) add(one, await unwatched(place, launch, enforcer));
  return cells;
}

/** A program that no policy names runs, on the same file system: else being denied would mean nothing. @throws where it does not */
function checkInnocent(place: Place): void {
  const program = join(place.home, "innocent");
  copyFileSync("/bin/echo", program);
  give(place, program);
  const said = execFileSync(program, ["hello"], { uid: place.uid, gid: place.gid }).toString();
  if (said !== "hello\n") throw new Error(`an innocent program said ${said}`);
}

/** Starts it while nobody watches, then the enforcer; its time counts from when that was started. */
async function unwatched(
  place: Place,
  launch: Exclude<Prepared, { not: string }>,
  enforcer: Enforcer,
): Promise<Result> {
  if (launch.when === "before") await enforcer.forget();
  let came = 0;
  const tool = start(place, launch, enforcer.comesWithin + enforcer.life, () => came);
  await tool.witnessed;
  came = now();
  await enforcer.start();
  try {
    return await tool.ended;
  } finally {
    await enforcer.stop();
  }
}
