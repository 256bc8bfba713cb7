import { dirname } from "node:path/posix";

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: string;
  /** "major:minor" */
  readonly device: string;
  /** The folder of its filesystem that is mounted, as bytes. */
  readonly root: Uint8Array;
  /** The mount point, as bytes. */
  readonly path: Uint8Array;
  readonly type: string;
  /** Of an overlay: the folders that it lies on, as whoever mounted it wrote them. */
  readonly layers: readonly Uint8Array[];
}

/** Space, tab, newline and backslash are written as octal escapes. */
function unescaped(field: string): Uint8Array {
  return Buffer.from(
    field.replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    "latin1",
  );
}

/** Every mount that a mountinfo file lists; lines of another form are left out. Pure. */
export function parseMounts(bytes: Uint8Array): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    const [id, , device, root, path, ...rest] = line.split(" ");
    const dash = rest.indexOf("-");
    const type = dash < 0 ? undefined : rest[dash + 1];
    if (id === undefined || root === undefined || path === undefined || type === undefined) continue;
    if (device === undefined || !/^\d+:\d+$/.test(device)) continue;
    const layers = type === "overlay" ? layersOf(rest[dash + 3] ?? "") : [];
    mounts.push({ id, device, root: unescaped(root), path: unescaped(path), type, layers });
  }
  return mounts;
}

/** Of an overlay's options (Documentation/filesystems/overlayfs.rst). Names with a comma or a colon are cut, and lead nowhere. */
function layersOf(options: string): readonly Uint8Array[] {
  return options
    .split(",")
    .filter((option) => /^(?:lowerdir\+?|upperdir|datadir\+)=/.test(option))
    .flatMap((option) => option.slice(option.indexOf("=") + 1).split(":"))
    .filter((path) => path.startsWith("/"))
    .map(unescaped);
}

const none = "holds no programs";
const remote = "a slow or lost server would hold every program start: the exec stream watches it";
/** Filesystems that are not gated, and why. Their first word stands for all of them: fuse, fuse.sshfs. */
const notGated: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    `proc sysfs devpts cgroup cgroup2 pstore bpf tracefs debugfs securityfs configfs mqueue fusectl nsfs rpc_pipefs efivarfs
    autofs selinuxfs smackfs binfmt_misc hugetlbfs resctrl sockfs pipefs`
      .split(/\s+/)
      .map((type) => [type, none]),
  ),
  ...Object.fromEntries(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "lustre", "glusterfs", "ocfs2", "gfs2", "beegfs"].map(
      (type) => [type, remote],
    ),
  ),
  fuse: "its files are some user's word, and root cannot open them: the exec stream watches it",
  fuseblk: "its files come from a user's process: the exec stream watches it",
};

/** Why a filesystem of this type is not gated; undefined where it is. */
export function whyNotGated(type: string): string | undefined {
  return notGated[type.split(".", 1)[0] ?? type];
}

/**
 * What can be gated and what cannot. What is mounted below one that is left out, or at the same place, is left out too: the way to
 * it may lead through. Pure.
 */
export function choose(mounts: readonly Mount[]): {
  readonly gated: readonly Mount[];
  readonly left: readonly (Mount & { readonly why: string })[];
} {
  const named = mounts.map((mount) => ({ mount, why: whyNotGated(mount.type) }));
  const left = named.flatMap(({ mount, why }) => (why === undefined || why === none ? [] : [{ ...mount, why }]));
  const whyAt = new Map(left.map(({ path, why }) => [textOf(path), why]));
  const behind: (Mount & { readonly why: string })[] = [];
  const gated: Mount[] = [];
  for (const { mount, why } of named) {
    if (why !== undefined) continue;
    const through = onTheWay(textOf(mount.path), whyAt);
    if (through === undefined) gated.push(mount);
    else behind.push({ ...mount, why: through });
  }
  return { gated, left: [...left, ...behind] };
}

/** What is known of a path or of the nearest folder above it. People can mount a thousand things: none is compared with all. */
function onTheWay(path: string, known: ReadonlyMap<string, string>): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    const here = known.get(at);
    if (here !== undefined || at === dirname(at)) return here;
  }
}

/**
 * Of `chosen`, those at or below some mount points, unless the same filesystem is mounted anywhere else too: a mark holds all of it,
 * and a bind mount of the machine's root is the machine's root. Pure.
 */
export function onlyBelow(
  places: readonly string[],
  chosen: readonly Mount[],
  all: readonly Mount[],
): readonly Mount[] {
  const within = (mount: Mount): boolean => places.some((place) => leads(asMounted(place), mount));
  const elsewhere = new Set(all.filter((mount) => !within(mount)).map(({ device }) => device));
  return chosen.filter((mount) => isOneOf(places, mount) || (within(mount) && !elsewhere.has(mount.device)));
}

/** Whether a mount lies at one of these places. */
export function isOneOf(places: readonly string[], mount: Mount): boolean {
  return places.some((place) => asMounted(place) === textOf(mount.path));
}

/** Whether a folder is the mount point, or above it. */
function leads(folder: string, mount: Mount): boolean {
  const path = textOf(mount.path);
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** A path's bytes as a text, one character a byte. */
export function textOf(path: Uint8Array): string {
  return Buffer.from(path).toString("latin1");
}

function asMounted(place: string): string {
  return textOf(Buffer.from(place.replace(/(?<=.)\/+$/, "")));
}

/** Filesystems of another mount namespace that are marked at one look: whoever makes one can fill it with thousands. */
const mostForeign = 64;

/** Those that only a process in another namespace sees: first the one that a program was started from. Pure. */
export function foreignOf(theirs: readonly Mount[], ours: readonly Mount[], device: string): readonly Mount[] {
  const known = new Set(ours.map((mount) => mount.device));
  const gated = choose(theirs).gated.filter((mount) => !known.has(mount.device) && mount.type !== "overlay");
  const isIt = (mount: Mount): boolean => mount.device === device;
  return [...gated.filter(isIt), ...gated.filter((mount) => !isIt(mount))].slice(0, mostForeign);
}
