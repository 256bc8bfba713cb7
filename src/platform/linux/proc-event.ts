// Pure parser for the kernel's process events: bytes of a datagram in, values out. Layouts: linux/netlink.h (struct
// nlmsghdr), linux/connector.h (struct cn_msg), linux/cn_proc.h (struct proc_event), in the processor's own byte order,
// which is little-endian on both that we run on.

/** CN_IDX_PROC and CN_VAL_PROC: the connector that process events come from. */
export const procConnector = { idx: 1, val: 1 } as const;

/** `listening`: the answer to having asked for events; `error` is an errno, 0 for yes. `overrun`: netlink says that it dropped some. */
export type ProcMessage =
  | { readonly what: "exec"; readonly pid: number }
  | { readonly what: "listening"; readonly error: number }
  | { readonly what: "overrun" };

/** Where a message's parts begin, and where in a datagram that holds one event its `what` stands. Bytes. */
const header = 16;
const connector = 20;
const eventData = 16;
export const offsetOfWhat = header + connector;
export const exec = 0x2;
const none = 0x0;
/** NLMSG_OVERRUN. */
const overrun = 4;

/** Every message of a datagram that means something to us, in order; the rest, and whatever is cut or malformed, is left out. */
export function parseProcMessages(bytes: Uint8Array): readonly ProcMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ProcMessage[] = [];
  for (let at = 0; at + header <= view.byteLength;) {
    const length = view.getUint32(at, true);
    if (length < header || length > view.byteLength - at) break; // nothing behind it can be believed
    if (view.getUint16(at + 4, true) === overrun) found.push({ what: "overrun" });
    else {
      const event = eventIn(view, at + header, at + length);
      if (event !== undefined) found.push(event);
    }
    at += (length + 3) & ~3; // NLMSG_ALIGN
  }
  return found;
}

function eventIn(view: DataView, at: number, end: number): ProcMessage | undefined {
  const data = at + connector + eventData;
  if (data + 4 > end) return undefined;
  if (view.getUint32(at, true) !== procConnector.idx || view.getUint32(at + 4, true) !== procConnector.val)
    return undefined;
  switch (view.getUint32(at + connector, true)) {
    case none:
      return { what: "listening", error: view.getUint32(data, true) };
    case exec: {
      // process_pid, process_tgid: after exec one thread is left, and it is the process (execve(2)).
      const pid = data + 8 > end ? 0 : view.getInt32(data + 4, true);
      return pid > 0 ? { what: "exec", pid } : undefined;
    }
    default:
      return undefined;
  }
}

/** What asks for events, or asks for no more: a `struct cn_msg` with an `enum proc_cn_mcast_op`. */
export function listenMessage(port: number): Uint8Array {
  const bytes = Buffer.alloc(header + connector + 4);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(3, 4); // NLMSG_DONE
  bytes.writeUInt32LE(port, 12);
  bytes.writeUInt32LE(procConnector.idx, 16);
  bytes.writeUInt32LE(procConnector.val, 20);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt32LE(1, 36); // PROC_CN_MCAST_LISTEN
  return bytes;
}

/**
 * A classic BPF program (linux/filter.h) that lets only execs and answers through: the others are dropped before they take
 * up room. Since Linux 6.6 the connector has a filter of its own (struct proc_input) that does no more; this one is on
 * every kernel. BPF loads in network byte order.
 */
export function execsOnly(): readonly (readonly [code: number, ifTrue: number, ifFalse: number, value: number])[] {
  const swapped = ((exec & 0xff) << 24) >>> 0;
  return [
    [0x20, 0, 0, offsetOfWhat], // BPF_LD | BPF_W | BPF_ABS
    [0x15, 1, 0, swapped], // BPF_JMP | BPF_JEQ | BPF_K
    [0x15, 0, 1, none],
    [0x06, 0, 0, 0xffff_ffff], // BPF_RET: all of it
    [0x06, 0, 0, 0], // none of it
  ];
}
