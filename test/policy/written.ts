import { parseGrants } from "#policy/granted.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { merge, type Merged, type Whom } from "#policy/merge.ts";
import { catalogOf, policyOf } from "./text.ts";

type Keys = Readonly<Record<string, unknown>>;

/** What the different signers have written, as JSON says it. */
export interface Written {
  readonly base?: Keys;
  readonly catalog?: readonly unknown[];
  readonly groups?: Readonly<Record<string, Keys>>;
  readonly grants?: readonly Keys[];
}

/** The device that everything here is merged for; its hash is no real one. */
export const whom: Whom = { id: "device-1", hash: "1".repeat(64), groups: ["finance"], claimed: ["sales"] };

export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

export function merged({ base = {}, catalog = [], groups = {}, grants = [] }: Written, who = whom): Merged {
  return merge(
    {
      base: policyOf({ allowEmpty: true, ...base }),
      catalog: catalogOf(...catalog),
      groups: new Map(
        Object.entries(groups).map(([name, keys]) => [
          name,
          parseGroupPolicy(bytesOf({ name, bans: [], ...keys }), name),
        ]),
      ),
      grants: parseGrants(bytesOf({ formatVersion: 1, exceptions: grants })).exceptions,
    },
    who,
  );
}

/** A grant to our device. */
export function grantText(keys: Keys = {}): Keys {
  return {
    ban: "x",
    device: whom.hash,
    granted: "2026-07-12T00:00:00Z",
    until: "2026-07-20T00:00:00Z",
    ...keys,
  };
}
