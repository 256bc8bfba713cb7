import { describe } from "#lib/errors.ts";
import { TrustError } from "#trust/error.ts";
import type { Fetcher } from "#trust/fetcher.ts";
import { commonPaths, deviceTarget, deviceTargets, findPart, unpack, type Used } from "#trust/generation.ts";
import type { Generations } from "#trust/generations.ts";
import type { TargetFile } from "#trust/metadata.ts";
import { exceptionsPath, groupPath, partOf } from "#trust/parts.ts";
import { together } from "#trust/together.ts";
import type { TrustedSet } from "#trust/trusted-set.ts";
import { fetchTarget, type Age, type Updated } from "#trust/updater.ts";

/** What one device uses of a repository, beside what all use. */
export interface Following {
  /** The groups it is in; or how that is known from what the policy signers say of who is in which (JSON, unpacked). */
  readonly groups: readonly string[] | ((devices: Uint8Array | undefined) => readonly string[]);
  /** Where its exceptions stand: the first two hex digits of its hash. Undefined: it asks for none. */
  readonly shard: string | undefined;
}

/**
 * The parts that this device uses now. `problem`: what was wrong and is no reason to refuse the others.
 *
 * A group's role may have expired: it adds bans, the snapshot vouches for its version, and whoever could keep a list from
 * devices by letting a role of their own expire could loosen it. Exceptions of an expired role are none.
 * @param unpacked what a part holds
 * @throws TrustError; what `groups` throws
 */
export async function follow(
  updated: Updated,
  { groups, shard }: Following,
  unpacked: (used: Used) => Promise<Uint8Array>,
): Promise<{ readonly used: readonly Used[]; readonly problem: string | undefined }> {
  for (const { path } of deviceTargets) deviceTarget(updated.targets, path); // or nothing has been published yet
  const find = async (path: string, age?: Age): Promise<readonly Used[]> => {
    const part = partOf(path);
    const found = part && (await findPart(part, updated.targets, () => updated.find(path, age)));
    return part === undefined || found === undefined ? [] : [{ part, found }];
  };
  const common = (await together(commonPaths(updated.targets), (path) => find(path))).flat();
  const devices = common.find(({ part }) => part.kind === "devices");
  const names = typeof groups === "function" ? groups(devices && (await unpacked(devices))) : groups;
  const own = await together([...new Set(names)], (group) => find(groupPath(group), "reported"));
  try {
    const granted = shard === undefined ? [] : await find(exceptionsPath(shard));
    return { used: [...common, ...own.flat(), ...granted], problem: undefined };
  } catch (error) {
    if (!(error instanceof TrustError && error.code === "EXPIRED")) throw error;
    return { used: [...common, ...own.flat()], problem: describe(error) };
  }
}

/** The bytes of parts, as signed: from a generation that is here already, or fetched, and each once. */
export class PackedParts {
  readonly #set: TrustedSet;
  readonly #generations: Generations;
  readonly #fetcher: Fetcher;
  readonly #had = new Map<string, Promise<Uint8Array>>();

  constructor(set: TrustedSet, generations: Generations, fetcher: Fetcher) {
    this.#set = set;
    this.#generations = generations;
    this.#fetcher = fetcher;
  }

  /** @throws TrustError */
  packed({ part, found }: Used): Promise<Uint8Array> {
    const had = this.#had.get(part.path) ?? this.#get(found.file);
    this.#had.set(part.path, had);
    return had;
  }

  async unpacked(used: Used): Promise<Uint8Array> {
    return unpack(await this.packed(used), used.part.path, used.part.bound);
  }

  async #get(file: TargetFile): Promise<Uint8Array> {
    return (await this.#generations.packed(file)) ?? (await fetchTarget(this.#set, file, this.#fetcher));
  }
}
