import { createHash } from "node:crypto";
import { z } from "zod";
import { describe } from "#lib/errors.ts";
import { PublishError } from "#publish/error.ts";
import { groupName } from "#publish/names.ts";

// devices.json: who is in which group, signed by those who sign policies, so that no device can claim a group that loosens.

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: "64 hex digits" });
const groupKey = z.string().regex(groupName, { error: "a group's name such as engineering" });
/** What mobile device management wrote into a device's managed configuration. */
const label = z.string().min(1).max(128);

/** As it is signed: no id of a device stands in it, only their hashes. */
const devicesSchema = z.strictObject({
  formatVersion: z.literal(1),
  groups: z.record(groupKey, z.strictObject({ devices: z.array(hash).readonly(), managed: z.array(label).readonly() })),
});
export type Devices = z.infer<typeof devicesSchema>;

/** As an administrator writes it: `ids` as the console and `edict status` show them, or `devices` that were hashed before. */
const writtenSchema = z.strictObject({
  formatVersion: z.literal(1).default(1),
  groups: z.record(
    groupKey,
    z.strictObject({
      ids: z.array(hash).readonly().default([]),
      devices: z.array(hash).readonly().default([]),
      managed: z.array(label).readonly().default([]),
    }),
  ),
});

/** sha256 over the UTF-8 bytes of a device's id: who reads a signed file does not learn which devices there are. */
export function deviceHash(id: string): string {
  return createHash("sha256").update(id, "utf8").digest("hex");
}

/** @throws PublishError PROPOSAL */
export function parseDevices(bytes: Uint8Array): Devices {
  return read(bytes, devicesSchema, "devices.json");
}

/** What an administrator wrote, as it is signed. @throws PublishError PROPOSAL */
export function hashedDevices(bytes: Uint8Array): Buffer {
  const { groups } = read(bytes, writtenSchema, "the list of devices");
  const hashed: Devices = {
    formatVersion: 1,
    groups: Object.fromEntries(
      Object.entries(groups).map(([group, { ids, devices, managed }]) => [
        group,
        { devices: [...new Set([...devices, ...ids.map(deviceHash)])].toSorted(), managed },
      ]),
    ),
  };
  return Buffer.from(`${JSON.stringify(hashed)}\n`);
}

function read<T extends z.ZodType>(bytes: Uint8Array, schema: T, what: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : describe(error);
    throw new PublishError("PROPOSAL", `${what}: ${why}`);
  }
}

/** What changes, group by group. */
export function devicesWords(before: Devices | undefined, next: Devices): readonly string[] {
  const [old, now] = [new Map(Object.entries(before?.groups ?? {})), new Map(Object.entries(next.groups))];
  const names = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return names.flatMap((name) => [
    ...changes(old.get(name)?.devices, now.get(name)?.devices, (n) => `  group ${name}: ${n} devices`),
    ...labels("+", old.get(name)?.managed, now.get(name)?.managed, name),
    ...labels("-", now.get(name)?.managed, old.get(name)?.managed, name),
  ]);
}

function changes(
  before: readonly string[] = [],
  next: readonly string[] = [],
  words: (count: number) => string,
): readonly string[] {
  const [old, now] = [new Set(before), new Set(next)];
  const added = next.filter((one) => !old.has(one)).length;
  const removed = before.filter((one) => !now.has(one)).length;
  return added + removed === 0 ? [] : [`${words(now.size)} (${added} more, ${removed} fewer)`];
}

function labels(
  sign: "+" | "-",
  before: readonly string[] = [],
  next: readonly string[] = [],
  name: string,
): readonly string[] {
  return next
    .filter((one) => !before.includes(one))
    .map((one) => `  ${sign} group ${name}: devices that are managed as ${JSON.stringify(one)}`);
}
