import { PlatformError } from "#platform/platform.ts";

// struct fanotify_event_metadata of uapi/linux/fanotify.h: u32 event_len, u8 vers, u8 reserved, u16 metadata_len, u64 mask, s32 fd, s32 pid.

/** Bytes of one event without information records. */
export const eventBytes = 24;
/** FANOTIFY_METADATA_VERSION */
const version = 3;

/** FAN_OPEN_PERM, FAN_OPEN_EXEC_PERM and FAN_Q_OVERFLOW, each in the low 32 bits of the mask. */
export const masks = { open: 0x1_0000, exec: 0x4_0000, overflow: 0x4000 } as const;

export type GateEvent =
  | { readonly what: "exec" | "open"; readonly fd: number; readonly pid: number }
  /** The kernel's queue was full: programs have started unasked. */
  | { readonly what: "overflow" };

/**
 * The events that one read(2) of a fanotify descriptor gave. Every descriptor in them is returned: one that is not answered
 * holds its program. @throws PlatformError `unsupported` where the kernel speaks another version.
 */
export function parseEvents(bytes: Buffer): readonly GateEvent[] {
  const events: GateEvent[] = [];
  for (let at = 0; at + eventBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (bytes[at + 4] !== version || length < eventBytes)
      throw new PlatformError("unsupported", `fanotify speaks version ${bytes[at + 4] ?? 0}, not ${version}`);
    const mask = bytes.readUInt32LE(at + 8);
    const fd = bytes.readInt32LE(at + 16);
    if ((mask & masks.overflow) !== 0) events.push({ what: "overflow" });
    else if (fd >= 0)
      events.push({ what: (mask & masks.exec) === 0 ? "open" : "exec", fd, pid: bytes.readInt32LE(at + 20) });
    at += length;
  }
  return events;
}

/** struct fanotify_response: s32 fd, u32 response. FAN_ALLOW, FAN_DENY, FAN_AUDIT. */
export function responseOf(fd: number, answer: "allow" | "deny", audit: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeInt32LE(fd, 0);
  bytes.writeUInt32LE(answer === "allow" ? 1 : audit ? 2 | 0x10 : 2, 4);
  return bytes;
}
