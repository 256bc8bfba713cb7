import { compile } from "#policy/compile.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { unpack } from "#trust/generation.ts";
import { limits } from "#trust/limits.ts";
import type { Contents } from "#publish/current.ts";
import { parseDevices } from "#publish/devices.ts";
import { PublishError } from "#publish/error.ts";
import type { Examined } from "#publish/examine.ts";
import { parseGroupPolicy, withGroup } from "#publish/group-policy.ts";
import { groupOf, groupPath } from "#publish/names.ts";

/** What is in force once the proposal is. @throws TrustError LIMIT, FORMAT */
export async function contentsAfter({ files, groups }: Examined, current: Contents | undefined): Promise<Contents> {
  const read = async (path: string, bound: number): Promise<Uint8Array | undefined> => {
    const packed = files.get(path);
    return packed && unpack(packed, path, bound);
  };
  const changed = new Map(current?.groups);
  for (const role of groups.keys()) {
    const group = groupOf(role) ?? "";
    const bytes = await read(groupPath(group), limits.policy);
    if (bytes !== undefined) changed.set(group, bytes);
  }
  return {
    policy: (await read("policy.json", limits.policy)) ?? current?.policy,
    catalog: (await read("catalog.json", limits.catalog)) ?? current?.catalog,
    devices: (await read("devices.json", limits.policy)) ?? current?.devices,
    groups: changed,
  };
}

/**
 * What no device could enforce is not published, whoever signed it; a policy may be newer than this program.
 * @throws PublishError PROPOSAL
 */
export function requireUsable({ policy, catalog, devices, groups }: Contents): void {
  try {
    if (devices !== undefined) parseDevices(devices);
    if (policy === undefined || catalog === undefined) return;
    const [base, tools] = [parsePolicy(policy, { newer: "tolerate" }), parseCatalog(catalog)];
    compile(base, tools);
    for (const [group, bytes] of groups) compile(withGroup(base, parseGroupPolicy(bytes, group)), tools);
  } catch (error) {
    throw new PublishError("PROPOSAL", "no device could enforce it", { cause: error });
  }
}
