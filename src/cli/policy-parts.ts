import { resolve } from "node:path";
import { CommandError, listOption, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readParsed } from "#cli/policy-files.ts";
import { policyBounds, type Policy } from "#policy/ban.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import type { Device } from "#policy/device.ts";
import { parseGrants } from "#policy/granted.ts";
import { parseGroupPolicy, type GroupPolicy } from "#policy/group.ts";
import { membershipOf, parseDevices, type Devices } from "#policy/members.ts";
import { merge, type Merged } from "#policy/merge.ts";
import { groupNameSchema } from "#policy/text.ts";
import type { Catalog } from "#policy/tool.ts";
import { sha256 } from "#trust/sha256.ts";

/** What others sign beside a base policy, and a device may have. */
export const partOptions = [
  ["--group <name=file...>", "a group's policy to merge with it: finance=groups/finance/policy.json"],
  ["--exceptions <file>", "exceptions that a server has granted"],
  ["--devices <file>", "who is in which group; the device's own groups are then what it says of itself"],
] as const;

/** @throws CommandError where no group can be called so */
export function groupName(name: string): string {
  const { success, error } = groupNameSchema.safeParse(name);
  if (success) return name;
  throw new CommandError(exitCodes.usage[0], `expected ${error.issues[0]?.message}, found ${JSON.stringify(name)}`);
}

/** @throws CommandError */
export async function readGroup(io: Io, name: string, file: string): Promise<GroupPolicy> {
  const group = groupName(name);
  return (await readParsed(io, file, policyBounds.group, (bytes) => parseGroupPolicy(bytes, group))).value;
}

/** Each from its file; paths as the person who wrote them stands. @throws CommandError */
export async function readGroups(
  io: Io,
  files: Iterable<readonly [name: string, file: string]>,
): Promise<ReadonlyMap<string, GroupPolicy>> {
  const groups = new Map<string, GroupPolicy>();
  for (const [name, file] of files) groups.set(name, await readGroup(io, name, file));
  return groups;
}

/** `--devices`. @throws CommandError */
export async function devicesOption(input: Input, io: Io): Promise<Devices | undefined> {
  const file = textOption(input, "devices");
  return file === undefined ? undefined : (await readParsed(io, file, policyBounds.devices, parseDevices)).value;
}

/** A base policy with what `partOptions` name, for one device and as it is there. @throws CommandError */
export async function withParts(
  input: Input,
  io: Io,
  base: Policy,
  catalog: Catalog,
  device: Device,
): Promise<Merged & { readonly device: Device }> {
  const hash = sha256(device.id);
  const devices = await devicesOption(input, io);
  const told = [...device.groups, ...device.claimed];
  const member = devices === undefined ? device : { ...device, ...membershipOf(devices, hash, told) };
  const file = textOption(input, "exceptions");
  const grants =
    file === undefined ? [] : (await readParsed(io, file, policyBounds.exceptions, parseGrants)).value.exceptions;
  const groups = await readGroups(io, listOption(input, "group").map(named));
  return { ...merge({ base, catalog, groups, grants }, { ...member, hash }), device: member };
}

/** "name=file". */
function named(text: string): readonly [name: string, file: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new CommandError(exitCodes.usage[0], `--group expects NAME=FILE, found ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A policy with the groups that a table of cases names beside it, from the table's folder. @throws CommandError */
export async function withGroups(
  io: Io,
  folder: string,
  groups: Readonly<Record<string, string>>,
  base: Policy,
  catalog: Catalog,
): Promise<Matcher> {
  const files = Object.entries(groups).map(([name, file]) => [name, resolve(folder, file)] as const);
  const nobody = { id: "", hash: "", groups: [], claimed: [] };
  return compile(merge({ base, catalog, groups: await readGroups(io, files), grants: [] }, nobody).policy, catalog);
}
