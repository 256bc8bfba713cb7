import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Who may write a folder above ours. A person's own group is theirs alone (user private groups); root has no such group. */
function writableByOthers(mode: number, uid: number): boolean {
  const sticky = (mode & 0o1000) !== 0; // names in it can be changed by their owners only (unlink(2), EPERM)
  return !sticky && (mode & (uid === 0 ? 0o022 : 0o002)) !== 0;
}

/**
 * That nobody but root and we ourselves can put something else in the place of this path: every folder above it is looked at.
 * `path` is a real one (realpath(3)). @throws Error that names the folder, and says what to do
 */
export function checkParents(path: string): void {
  const us = process.getuid?.();
  if (us === undefined) return;
  for (let folder = dirname(path), last = path; folder !== last; last = folder, folder = dirname(folder)) {
    const { uid, mode } = statSync(folder);
    if (uid !== 0 && uid !== us) throw new Error(`${folder} belongs to user ${uid}, who is not trusted here`);
    if (writableByOthers(mode, us)) throw new Error(`others can write ${folder}: chmod go-w ${folder}`);
  }
}

/** Makes a folder of ours where there is none, with this mode whatever the umask. @throws Error where it is, or could be made, another's */
export function ownFolder(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const real = realpathSync(path);
  checkParents(real);
  const { uid, mode: found } = statSync(real);
  const us = process.getuid?.();
  if (us !== undefined && uid !== us) throw new Error(`${path} belongs to user ${uid}: remove it, or run as that user`);
  if ((found & 0o7777) !== mode) chmodSync(real, mode);
}
