import { randomUUID } from "node:crypto";
import { fsyncSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { PlatformError, type Quarantined } from "#platform/platform.ts";
import type { FileSeen } from "#policy/evidence.ts";
import { selfCommand } from "#platform/commands.ts";
import { remove, visit, type Entry, type Kin } from "#platform/linux/copy-tree.ts";
import { findUnit, splitPath, type Found } from "#platform/linux/find-unit.ts";
import { Folder } from "#platform/linux/folder.ts";
import { pathOf } from "#platform/linux/inspect.ts";
import type { Libc } from "#platform/linux/libc.ts";
import { readManifest, removeManifest, summaryOf, writeManifest, type Manifest } from "#platform/linux/manifest.ts";
import { deviceText } from "#platform/linux/proc.ts";
import { isSystemPlace, packageManagerOf } from "#platform/linux/package-owner.ts";
import { isVital } from "#platform/linux/vital.ts";

const content = Buffer.from("content");
/** A folder beside the unit that only we can enter, while it moves from or to another filesystem. */
const stageName = (id: string): Buffer => Buffer.from(`.edict-${id}`);
const isId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The quarantine's own folder: nobody else's eyes, or nothing goes in. @throws PlatformError `refused` */
function openHall(libc: Libc, path: string): Folder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const hall = Folder.open(libc, Buffer.from(realpathSync(path)));
  const { uid, mode } = hall.stat();
  if (Number(uid) === process.geteuid?.() && (mode & 0o077n) === 0n) return hall;
  hall.close();
  throw new PlatformError("refused", `${path} must belong to the agent alone (mode 0700)`);
}

/** Who may lose what: one owner's package, extension or program, and nothing of the system's. @throws PlatformError */
async function assertMayTake({ unit, parent, stats }: Found): Promise<void> {
  const path = Buffer.from(unit.path, "latin1").toString("utf8");
  const owner = Number(stats.uid);
  const own = process.geteuid?.();
  if (own !== 0 && owner !== own) throw new PlatformError("denied", `${path} belongs to another user`);
  const parentOwner = Number(parent.stat().uid);
  if (parentOwner !== owner && parentOwner !== 0)
    throw new PlatformError("refused", `${path} lies in a folder of another user`);
  if (unit.kind === "program" && stats.nlink !== 1n)
    throw new PlatformError("refused", `${path} has other names too (hard links): moving one stops nothing`);
  if (owner === 0 && isSystemPlace(path)) throw new PlatformError("refused", `${path} is a part of the system`);
  const self = selfCommand();
  if (
    isVital({ path, dev: deviceText(stats.dev), ino: String(stats.ino) }) ||
    [self.file, ...self.args].some((f) => isWithin(f, path))
  )
    throw new PlatformError("refused", `${path} is vital to this machine`);
  const manager = await packageManagerOf([path]);
  if (manager !== undefined) throw new PlatformError("refused", `${path} is ${manager}'s: remove it with ${manager}`);
}

function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

/** Moves a unit into a folder of ours, and looks whether it is the one that was meant. */
function take({ parent, name, stats, unit }: Found, to: Folder): void {
  parent.move(name, to, content);
  const now = to.lstat(content);
  if (now.dev === stats.dev && now.ino === stats.ino) return;
  to.move(content, parent, name);
  throw new PlatformError("gone", `${unit.path} was changed meanwhile`);
}

/** For another filesystem: it leaves its place at once, and is copied from where nobody can change it. */
async function takeByCopy(found: Found, slot: Folder, id: string, kin: Kin): Promise<() => void> {
  const stage = found.parent.mkdir(stageName(id));
  try {
    take(found, stage);
    try {
      const into = { folder: slot, name: content };
      await visit(stage, content, { kin, entries: [], depth: 0, path: Buffer.of(), into });
    } catch (error) {
      stage.move(content, found.parent, found.name);
      throw error;
    }
    return () => remove(found.parent, stageName(id)); // once the manifest says that the copy counts
  } catch (error) {
    found.parent.rmdir(stageName(id));
    throw error;
  } finally {
    stage.close();
  }
}

async function store(found: Found, slot: Folder, id: string): Promise<Manifest> {
  const kin: Kin = { owner: found.stats.uid, dev: found.stats.dev };
  const entries: Entry[] = [];
  await visit(found.parent, found.name, { kin, entries, depth: 0, path: Buffer.of() });
  const manifest: Manifest = {
    formatVersion: 1,
    id,
    state: "moving",
    at: Temporal.Instant.fromEpochMilliseconds(Number(slot.stat().mtimeMs)).toString(),
    kind: found.unit.kind,
    ...pathOf(Buffer.from(found.unit.path, "latin1")),
    owner: Number(kin.owner),
    parentOwner: Number(found.parent.stat().uid),
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
    entries,
  };
  writeManifest(slot, manifest);
  const kept: Manifest = { ...manifest, state: "kept" };
  let tidy: (() => void) | undefined;
  try {
    take(found, slot);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "device") throw error;
    tidy = await takeByCopy(found, slot, id, kin);
  }
  fsyncSync(found.parent.fd);
  writeManifest(slot, kept);
  tidy?.();
  return kept;
}

/**
 * Puts the package, extension or program that a file belongs to into a folder of ours. Nothing is deleted, nothing is
 * followed. @throws PlatformError `refused`, `denied`, `gone`, `link`, `device`, `limit`; then everything is where it was
 */
export async function quarantine(file: FileSeen, into: string, libc: Libc): Promise<Quarantined> {
  const hall = openHall(libc, into);
  try {
    const found = findUnit(file, libc);
    try {
      await assertMayTake(found);
      const id = randomUUID();
      const slot = hall.mkdir(Buffer.from(id));
      try {
        return summaryOf(await store(found, slot, id));
      } catch (error) {
        // What could not be put back stays, with its manifest, to be restored.
        if (found.parent.has(found.name)) remove(hall, Buffer.from(id));
        throw error;
      } finally {
        slot.close();
      }
    } finally {
      found.parent.close();
    }
  } finally {
    hall.close();
  }
}

/** Where the unit lies now: in its slot, or, if the machine stopped half-way, in the stage beside its place. */
function whereIs(manifest: Manifest, slot: Folder, parent: Folder): { from: Folder; staged: boolean } {
  const staged = manifest.state === "moving" && parent.has(stageName(manifest.id));
  return { from: staged ? parent.folder(stageName(manifest.id)) : slot, staged };
}

async function putBack(manifest: Manifest, slot: Folder, parent: Folder, name: Buffer): Promise<void> {
  const stage = stageName(manifest.id);
  const { from, staged } = whereIs(manifest, slot, parent);
  try {
    from.move(content, parent, name);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "device") throw error;
    const made = parent.mkdir(stage);
    try {
      const kin = { owner: BigInt(manifest.owner), dev: slot.stat().dev };
      const into = { folder: made, name: content };
      await visit(slot, content, { kin, entries: [], depth: 0, path: Buffer.of(), into });
      made.move(content, parent, name);
    } finally {
      made.close();
      remove(parent, stage);
    }
  } finally {
    if (staged) from.close();
  }
  fsyncSync(parent.fd);
  if (staged) remove(parent, stage);
  if (slot.has(content)) remove(slot, content);
}

/** Puts it back where it was, as its owner's. @throws PlatformError `exists` where something is in the way; `gone`, `refused`, `link` */
export async function restore(id: string, from: string, libc: Libc): Promise<Quarantined> {
  if (!isId.test(id)) throw new PlatformError("refused", `${id} is no id of the quarantine`);
  const hall = openHall(libc, from);
  try {
    const slot = hall.folder(Buffer.from(id));
    try {
      const manifest = readManifest(slot);
      const bytes =
        manifest.pathBytes === undefined ? Buffer.from(manifest.path) : Buffer.from(manifest.pathBytes, "base64");
      const { folder, name } = splitPath(bytes.toString("latin1"));
      const parent = Folder.open(libc, Buffer.from(folder, "latin1"));
      try {
        if (Number(parent.stat().uid) !== manifest.parentOwner)
          throw new PlatformError("refused", `${folder} belongs to somebody else than when it was taken`);
        await putBack(manifest, slot, parent, Buffer.from(name, "latin1"));
      } finally {
        parent.close();
      }
      removeManifest(slot);
      hall.rmdir(Buffer.from(id));
      return summaryOf(manifest);
    } finally {
      slot.close();
    }
  } finally {
    hall.close();
  }
}

/** What lies in quarantine, oldest first. A slot whose manifest cannot be read is left out. */
export function inQuarantine(from: string, libc: Libc): readonly Quarantined[] {
  const hall = openHall(libc, from);
  try {
    return readdirSync(from)
      .filter((name) => isId.test(name))
      .flatMap((name) => {
        const slot = hall.folder(Buffer.from(name));
        try {
          return [summaryOf(readManifest(slot))];
        } catch (error) {
          if (error instanceof PlatformError) return [];
          throw error;
        } finally {
          slot.close();
        }
      })
      .toSorted((a, b) => a.at.localeCompare(b.at));
  } finally {
    hall.close();
  }
}
