import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { lay } from "./inside.ts";

/**
 * In a mount namespace of its own: a root file system that is an overlay over the machine's, its upper layer on a tmpfs.
 * Everything that is installed, mounted, marked and killed from then on is in there, and goes with it.
 */
const enter = `
mount -t tmpfs -o mode=755 edict-disguises "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" edict-disguises "$base/root"
mount --rbind /proc "$base/root/proc"
mount --bind /sys "$base/root/sys"
for at in /tmp /run /dev; do mount -t tmpfs -o mode=1777 edict-disguises "$base/root$at"; done
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "$base/root/dev/\${device%:*}" c 1 "\${device#*:}"
done
ln -s /proc/self/fd "$base/root/dev/fd"
# Where they lie on file systems of their own, this overlay does not have them.
for at in "$repository" "$runtime"; do
  [ -n "$(ls -A "$base/root$at" 2>/dev/null)" ] && continue
  mkdir -p "$base/root$at"
  over=$(mktemp -d "$base/over.XXXXXX")
  mkdir "$over/upper" "$over/work"
  mount -t overlay -o "lowerdir=$at,upperdir=$over/upper,workdir=$over/work" edict-disguises "$base/root$at"
done
cd "$base/root"
pivot_root . mnt
cd /
umount --lazy /mnt
exec "$@"
`;

/** `npm run disguises`; with options of inside.ts only a part of it, which writes no page. */
const inside = "--inside";
const args = process.argv.slice(2);
if (args[0] === inside) process.exitCode = await lay(args.slice(1));
else if (process.getuid?.() !== 0) {
  console.log("skipped: the disguise matrix mounts, marks and kills, which needs root");
} else {
  const base = mkdtempSync(join(tmpdir(), "edict-disguises-"));
  const repository = join(import.meta.dirname, "../..");
  const command = ["/bin/sh", "-euc", enter, "sh", process.execPath, import.meta.filename, inside, ...args];
  const { status, output } = spawnSync("/usr/bin/unshare", ["--mount", "--propagation", "private", ...command], {
    stdio: ["inherit", "inherit", "inherit", "pipe"], // the page comes out by descriptor 3: no file in there does
    env: { ...process.env, base, repository, runtime: dirname(process.execPath) },
  });
  rmdirSync(base);
  const page = output?.[3]?.toString() ?? "";
  if (args.length === 0 && page !== "") writeFileSync(join(repository, "docs/disguises.md"), page);
  process.exitCode = status ?? 1;
}
