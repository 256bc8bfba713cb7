import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Disguise } from "./disguise.ts";
import { copy, copyTree, mask, notes, unmask } from "./files.ts";
import { contained } from "./launch.ts";
import { give, mount, mountTmpfs } from "./place.ts";
import type { Tool } from "./tool.ts";

/** What a program needs of a root file system, given to one in `folder`: the system's own, by bind mounts. */
const populate = `
for name in usr proc; do mkdir -p "$root/$name"; done
for name in bin lib lib64 sbin; do ln -s usr/$name "$root/$name"; done
mount --rbind /usr "$root/usr"
mount --rbind /proc "$root/proc"
mkdir -p "$root$runtime"
mount --bind "$runtime" "$root$runtime"
`;

const runtime = dirname(dirname(process.execPath));

/** A root folder with the tool where it is installed, too. */
function jail(tool: Tool, folder: string): string {
  const root = join(folder, "jail");
  for (const name of ["usr", "proc", runtime]) mkdirSync(join(root, name), { recursive: true });
  for (const name of ["bin", "lib", "lib64", "sbin"]) symlinkSync(`usr/${name}`, join(root, name));
  mount("--bind", "/usr", join(root, "usr"));
  mount("--rbind", "/proc", join(root, "proc"));
  mount("--bind", runtime, join(root, runtime));
  mkdirSync(join(root, dirname(tool.tree)), { recursive: true });
  copyTree(tool, join(root, tool.tree));
  return root;
}

/** Disguises that are a matter of mounts, root folders and namespaces. */
export const mountDisguises: readonly Disguise[] = [
  {
    id: "bind mount in a private namespace",
    title: "bound over another path in a private mount namespace",
    make: (tool, folder) => {
      const over = join(folder, notes);
      mkdirSync(over);
      return contained('mount --bind "$1" "$2"; shift 2; exec "$@"', tool.tree, over, ...tool.runTree(over));
    },
  },
  {
    id: "tmpfs",
    title: "copied to another tmpfs",
    make: (tool, folder, place) => {
      const there = join(folder, "there");
      mountTmpfs(there);
      const to = copy(tool, there);
      give(place, there);
      return { argv: [to] };
    },
  },
  {
    id: "tmpfs in a private namespace",
    title: "copied to a tmpfs of a private mount namespace",
    make: (tool, folder) => {
      const there = join(folder, "there");
      mkdirSync(there);
      const from = mask(copy(tool, folder), join(folder, "masked"));
      const fetch = `mount -t tmpfs none "$1"; ${unmask} < "$2" > "$1/notes"; chmod +x "$1/notes"; exec "$1/notes"`;
      return contained(fetch, there, from);
    },
  },
  {
    id: "overlay",
    title: "on an overlay over its tree",
    make: (tool, folder, place) => {
      const [upper, work, merged] = ["upper", "work", "merged"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      for (const one of [upper, work, merged]) mkdirSync(one);
      give(place, folder);
      mount("-t", "overlay", "-o", `lowerdir=${tool.tree},upperdir=${upper},workdir=${work}`, "none", merged);
      return { argv: tool.runTree(merged) };
    },
  },
  {
    id: "chroot",
    title: "copied into a root folder of its own (chroot)",
    make: (tool, folder, { uid, gid }) => {
      const root = jail(tool, folder);
      const person = `--userspec=${uid}:${gid}`;
      return { argv: ["/usr/sbin/chroot", person, root, ...tool.runTree(tool.tree)], as: "root" };
    },
  },
  {
    id: "container root",
    title: "copied into a container (unshare: user, mount and pid namespaces, a root of its own)",
    make: (tool, folder) => container(tool, folder),
  },
];

function container(tool: Tool, folder: string): ReturnType<Disguise["make"]> {
  const root = join(folder, "root");
  mkdirSync(root);
  const archive = join(folder, "archive");
  execFileSync("/bin/tar", ["--create", "--file", archive, "--directory", "/", tool.tree.slice(1)]);
  const enter = `root=$1 runtime=$2 masked=$3; shift 3
mount -t tmpfs none "$root"
${populate}
${unmask} < "$masked" | tar --extract --directory "$root" --no-same-owner
exec /usr/sbin/chroot "$root" "$@"`;
  const { argv } = contained(enter, root, runtime, mask(archive, join(folder, "masked")), ...tool.runTree(tool.tree));
  const [unshare, ...rest] = argv;
  return { argv: [unshare, "--pid", "--fork", ...rest] };
}
