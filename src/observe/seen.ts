import type { ExtensionSeen, FileSeen, PackageSeen, Reading, Seen } from "#policy/evidence.ts";
import { containerOf } from "#lib/pure/containers.ts";
import { toSeen, type RawPath } from "#observe/raw-path.ts";
import type { Stamp } from "#observe/read-file.ts";

/** A reading of what was looked for: its values, or absent. */
export function reading<T>(values: readonly (T | undefined)[]): Reading<T> {
  const value = values.filter((v) => v !== undefined);
  return value.length === 0 ? { absent: true } : { value };
}

/** Every kind unread for one reason. */
export function nothingRead(reason: string): Seen {
  const unread = { unread: reason };
  return {
    package: unread,
    extension: unread,
    signer: { unread: notSigned },
    hash: unread,
    marker: unread,
    path: unread,
    name: unread,
    config: { unread: onlyAudit },
  };
}

/** Linux programs carry no signature that could be read (law 2: that is not the same as unsigned). */
export const notSigned = "programs are not signed on this system";
export const onlyAudit = "looked at in an audit only";

/** A file's place and state, as evidence has it. `within`: whose container it was reached through. */
export function fileSeen(path: RawPath, stamp: Stamp, within?: string): FileSeen {
  const { dev, ino, size, nlink, owner } = stamp;
  const container = containerOf(path) ?? within;
  return { ...toSeen(path), dev, ino, size, nlink, owner, ...(container !== undefined && { container }) };
}

/** What an installed thing's own records say that it is. */
export interface Says {
  readonly package?: PackageSeen;
  readonly extension?: ExtensionSeen;
}

/** The same as it is seen, where no file of the thing was read. */
export function attributed(says: Says): Seen {
  return {
    ...nothingRead("only what its own records say"),
    package: reading([says.package]),
    extension: reading([says.extension]),
  };
}

/** With one more package. */
export function withPackage(seen: Seen, run: PackageSeen | undefined): Seen {
  if (run === undefined) return seen;
  return { ...seen, package: { value: ["value" in seen.package ? seen.package.value : [], run].flat() } };
}
