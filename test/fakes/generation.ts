import { instantOf } from "#lib/pure/instant.ts";
import type { Generation } from "#trust/generation.ts";

/** What trust would yield for these bytes, of a device in no group. */
export function generationOf(version: number, policy: Uint8Array, catalog: Uint8Array): Generation {
  const id = `${version}`.repeat(64);
  const none = { devices: undefined, groups: new Map<string, Uint8Array>(), exceptions: undefined };
  return { id, policyId: id, version, policy, catalog, ...none, floor: instantOf(0), state: "fresh" };
}
