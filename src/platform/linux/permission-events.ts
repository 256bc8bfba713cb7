import koffi from "koffi";
import { errnoName } from "#platform/linux/libc.ts";

/** What fanotify(7) lets us do here. */
export type PermissionEvents =
  /** A program can be held before its first instruction: FAN_OPEN_EXEC_PERM, Linux 5.0. */
  | { readonly works: "exec" }
  /** Only every opening of a file can be held: FAN_OPEN_PERM. */
  | { readonly works: "open" }
  /** The call that refused, and the name of its errno. */
  | { readonly works: "nothing"; readonly call: "fanotify_init" | "fanotify_mark"; readonly errno: string };

const FAN_CLOEXEC = 1;
const FAN_NONBLOCK = 2;
const FAN_CLASS_CONTENT = 4;
const FAN_MARK_ADD = 1;
const FAN_OPEN_PERM = 0x1_0000;
const FAN_OPEN_EXEC_PERM = 0x4_0000;
const MFD_CLOEXEC = 1;

function refused(call: "fanotify_init" | "fanotify_mark"): PermissionEvents {
  return { works: "nothing", call, errno: errnoName() };
}

/**
 * Asks the kernel by doing it, on a memory file that has no name: nobody can open or run it, so nobody can be held. Whether
 * permission events were built into the kernel only fanotify_mark(2) says. Some milliseconds, for the kernel to take it down.
 */
export function tryPermissionEvents(): PermissionEvents {
  const lib = koffi.load(null);
  const init: (flags: number, events: number) => number = lib.func("int fanotify_init(unsigned int, unsigned int)");
  const mark: (group: number, flags: number, mask: number, fd: number, path: null) => number = lib.func(
    "int fanotify_mark(int, unsigned int, uint64_t, int, const char *)",
  );
  const memory: (name: string, flags: number) => number = lib.func("int memfd_create(const char *, unsigned int)");
  const close: (fd: number) => number = lib.func("int close(int)");

  const group = init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, 0);
  if (group < 0) return refused("fanotify_init");
  const file = memory("edict", MFD_CLOEXEC);
  try {
    if (mark(group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, file, null) === 0) return { works: "exec" };
    if (mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, file, null) === 0) return { works: "open" };
    return refused("fanotify_mark");
  } finally {
    close(group);
    if (file >= 0) close(file);
  }
}
