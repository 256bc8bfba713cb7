import { z } from "zod";
import type { Devices } from "#policy/members.ts";
import { deviceHashSchema } from "#policy/text.ts";
import { sha256 } from "#trust/sha256.ts";
import { PublishError } from "#publish/error.ts";

/** An id is a sha256 too, of the device's key, and looks like its own hash: so it stands under a name of its own. */
const withIds = z.looseObject({
  groups: z.record(
    z.string(),
    z.looseObject({ ids: z.array(deviceHashSchema).default([]), devices: z.array(z.unknown()).default([]) }),
  ),
});

/**
 * What an administrator wrote about who is in which group, as it is signed: devices that are listed by `ids`, as the console
 * and `edict status` show them, stand among `devices` by their hashes.
 * @throws PublishError PROPOSAL
 */
export function hashedDevices(bytes: Uint8Array): Buffer {
  const read = withIds.safeParse(jsonOf(bytes));
  if (!read.success)
    throw new PublishError("PROPOSAL", `this does not say who is in which group: ${z.prettifyError(read.error)}`);
  const { groups, ...rest } = read.data;
  const hashed = Object.entries(groups).map(([name, { ids, devices, ...more }]) => [
    name,
    { ...more, devices: [...new Set([...devices, ...ids.map(sha256)])] },
  ]);
  return Buffer.from(`${JSON.stringify({ ...rest, groups: Object.fromEntries(hashed) }, null, 1)}\n`);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new PublishError("PROPOSAL", "the list of devices is not JSON", { cause: error });
  }
}

/** What changes, group by group. */
export function devicesWords(before: Devices | undefined, next: Devices): readonly string[] {
  const names = [...new Set([...(before?.groups.keys() ?? []), ...next.groups.keys()])].toSorted();
  return names.flatMap((name) => {
    const [old, now] = [before?.groups.get(name) ?? nobody, next.groups.get(name) ?? nobody];
    const [added, removed] = [missing(old.devices, now.devices), missing(now.devices, old.devices)];
    const count = `  ~ group ${name}: ${now.devices.length} devices, ${added.length} more and ${removed.length} fewer`;
    return [
      ...(added.length + removed.length === 0 ? [] : [count]),
      ...missing(old.managed, now.managed).map((label) => `  + group ${name}: whoever is managed as ${quoted(label)}`),
      ...missing(now.managed, old.managed).map((label) => `  - group ${name}: whoever is managed as ${quoted(label)}`),
    ];
  });
}

const nobody: { readonly devices: readonly string[]; readonly managed: readonly string[] } = {
  devices: [],
  managed: [],
};

/** What `next` has and `before` has not. */
function missing(before: readonly string[], next: readonly string[]): readonly string[] {
  const known = new Set(before);
  return next.filter((one) => !known.has(one));
}

function quoted(label: string): string {
  return JSON.stringify(label);
}
