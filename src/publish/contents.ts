import { compile } from "#policy/compile.ts";
import { parseGroupPolicy } from "#policy/group.ts";
import { parseDevices } from "#policy/members.ts";
import { merge } from "#policy/merge.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { unpack } from "#trust/generation.ts";
import { groupPath, partOf } from "#trust/parts.ts";
import type { Contents } from "#publish/current.ts";
import { PublishError } from "#publish/error.ts";
import type { Examined } from "#publish/examine.ts";
import { groupOf } from "#publish/names.ts";

/** What is in force once the proposal is. @throws TrustError LIMIT, FORMAT */
export async function contentsAfter({ files, groups }: Examined, current: Contents | undefined): Promise<Contents> {
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const packed = files.get(path);
    return packed && unpack(packed, path, partOf(path)?.bound ?? 0);
  };
  const policies = new Map(current?.groups);
  for (const role of groups.keys()) {
    const group = groupOf(role) ?? "";
    const bytes = await read(groupPath(group));
    if (bytes !== undefined) policies.set(group, bytes);
  }
  return {
    policy: (await read("policy.json")) ?? current?.policy,
    catalog: (await read("catalog.json")) ?? current?.catalog,
    devices: (await read("devices.json")) ?? current?.devices,
    groups: policies,
  };
}

const nobody = { id: "", hash: "", groups: [], claimed: [] };
const tolerant = { newer: "tolerate" } as const;

/**
 * What no device could enforce is not published, whoever signed it; policy and catalog may be newer than this program.
 * @throws PublishError PROPOSAL
 */
export function requireUsable({ policy, catalog, devices, groups }: Contents): void {
  try {
    if (devices !== undefined) parseDevices(devices, tolerant);
    if (policy === undefined || catalog === undefined) return;
    const [base, tools] = [parsePolicy(policy, tolerant), parseCatalog(catalog, tolerant)];
    compile(base, tools);
    for (const [name, bytes] of groups) {
      const own = new Map([[name, parseGroupPolicy(bytes, name, tolerant)]]);
      compile(merge({ base, catalog: tools, groups: own, grants: [] }, nobody).policy, tools);
    }
  } catch (error) {
    throw new PublishError("PROPOSAL", "no device could enforce it", { cause: error });
  }
}
