import { z } from "zod";
import { jsonBounds } from "#lib/pure/json.ts";
import { policyBounds, type Disabled } from "#policy/ban.ts";
import { readEach } from "#policy/newer.ts";
import { documentOf, type Newer } from "#policy/parse.ts";
import { deviceHashSchema, idSchema, instantSchema } from "#policy/text.ts";

/** How far a signed time may lead the system's clock and still be believed, in milliseconds (TRUST.md, "Time"). */
export const lead = 24 * 3_600_000;

/** One device may use what a ban forbids, from the first grant on. No names and no reasons: everybody can read it. */
const grantSchema = z.strictObject({
  ban: idSchema,
  device: deviceHashSchema,
  granted: instantSchema,
  until: instantSchema,
});
export type Grant = z.infer<typeof grantSchema>;

const grantsSchema = z.strictObject({
  formatVersion: z.literal(1),
  exceptions: z.array(grantSchema).readonly(),
});

/** What the server has granted: one shard of the exceptions role. */
export interface Grants {
  readonly exceptions: readonly Grant[];
  /** Parts of a newer text that are left out here. */
  readonly ignored: readonly Disabled[];
}

const newerSchema = z.object({ exceptions: z.array(z.unknown()) });

/** A file `exceptions/<shard>.json`, unpacked. @throws PolicyError */
export function parseGrants(bytes: Uint8Array, { newer = "refuse" }: Newer = {}): Grants {
  const document = documentOf(bytes, { ...jsonBounds, bytes: policyBounds.exceptions });
  if (document.version(newer) === 1) return { exceptions: document.read(grantsSchema).exceptions, ignored: [] };
  const ignored: Disabled[] = [];
  const list = document.read(newerSchema).exceptions;
  return { exceptions: readEach(list, "exceptions", grantSchema, ignored), ignored };
}
