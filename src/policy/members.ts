import { z } from "zod";
import { jsonBounds } from "#lib/pure/json.ts";
import { policyBounds, type Disabled } from "#policy/ban.ts";
import { readEach } from "#policy/newer.ts";
import { documentOf, type Newer } from "#policy/parse.ts";
import { deviceHashSchema, groupNameSchema } from "#policy/text.ts";

const membersSchema = z.strictObject({
  devices: z.array(deviceHashSchema).readonly().default([]),
  /** Labels of the managed configuration: the signers trust MDM to say by them who is in the group. */
  managed: z.array(z.string().min(1).max(256)).max(1000).readonly().default([]),
});
type Members = z.infer<typeof membersSchema>;

/** Who is in which group, as the policy's signers say. */
export const devicesSchema = z.strictObject({
  $schema: z.string().optional(),
  formatVersion: z.literal(1).default(1),
  groups: z.record(groupNameSchema, membersSchema),
});

export interface Devices {
  readonly groups: ReadonlyMap<string, Members>;
  /** Groups of a newer text that are left out here: what is not understood vouches for nobody. */
  readonly ignored: readonly Disabled[];
}

/** `devices.json`, unpacked. @throws PolicyError */
export function parseDevices(bytes: Uint8Array, { newer = "refuse" }: Newer = {}): Devices {
  const document = documentOf(bytes, { ...jsonBounds, bytes: policyBounds.devices, keys: policyBounds.groups });
  if (document.version(newer) === 1)
    return { groups: new Map(Object.entries(document.read(devicesSchema).groups)), ignored: [] };
  const ignored: Disabled[] = [];
  const found = Object.entries(document.read(newerSchema).groups).map(([name, members]) => ({ name, members }));
  const groups = readEach(found, "groups", entrySchema, ignored);
  return { groups: new Map(groups.map(({ name, members }) => [name, members])), ignored };
}

const newerSchema = z.object({ groups: z.record(z.string(), z.unknown()) });
const entrySchema = z.strictObject({ name: groupNameSchema, members: membersSchema });

/** The groups of one device. */
export interface Membership {
  /** Those that something signed says it is in. */
  readonly groups: readonly string[];
  /** Those that only its own configuration names. They are held to their bans, and nothing is loosened for them. */
  readonly claimed: readonly string[];
}

/** @param labels what the device's managed configuration says that it is in @param hash sha256 over the device's id */
export function membershipOf(devices: Devices | undefined, hash: string, labels: readonly string[]): Membership {
  const groups: string[] = [];
  for (const [name, { devices: members, managed }] of devices?.groups ?? [])
    if (members.includes(hash) || managed.some((label) => labels.includes(label))) groups.push(name);
  const vouched = new Set(groups);
  return { groups: groups.toSorted(), claimed: [...new Set(labels)].filter((label) => !vouched.has(label)).toSorted() };
}

/** The groups whose policies a device follows. */
export function followed({ groups, claimed }: Membership): readonly string[] {
  return [...groups, ...claimed].filter((name) => groupNameSchema.safeParse(name).success).toSorted();
}
