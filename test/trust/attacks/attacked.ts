import { isDeepStrictEqual } from "node:util";
import { contents, grouped } from "../device.ts";
import { verdict } from "../simulated.ts";
import type { Attack } from "./attack.ts";

export interface Outcome {
  /** What the look said that was lied to: "ROLLBACK timestamp". */
  readonly look: string;
  /** Whether something else came of it than of the honest look before, or something else is in force. */
  readonly harmed: boolean;
}

/** A device that had an honest look, and then somebody who lies to it. */
export async function attacked({ mount }: Attack): Promise<Outcome> {
  const repository = await grouped();
  repository.tags.sent = false; // so that a 304 is one that nobody asked for
  const following = { groups: ["a", "b", "c"], shard: "ab" };
  const device = await repository.client(following);
  const first = await device.refresh();
  await device.activated(first);

  await mount({ ...repository, device });
  const look = (await repository.client({ ...following, dir: device.dir, timeoutMs: 2000 })).refresh();
  const said = await verdict(look);
  const after = contents(await look.catch(() => first));
  const inForce = (await device.cached())?.id;
  return { look: said, harmed: !isDeepStrictEqual(after, contents(first)) || inForce !== first.id };
}

/** The name that the lie has to get. */
export function noticed({ noticed: name }: Attack): RegExp {
  return typeof name === "string" ? new RegExp(`^${RegExp.escape(name)}$`) : name;
}
