import type { Socket } from "node:net";
import { SystemCallError, type Libc } from "#platform/linux/libc.ts";

/** Node keeps a socket's descriptor in its handle; there is no public way to it. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, "fd");
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}

/** Who connected, as the kernel recorded it then (SO_PEERCRED, unix(7)). Undefined where it cannot be known: not a reason to trust. */
export function peerUid(socket: Socket, libc: Libc): number | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  try {
    const uid = libc.peerUid(fd);
    return uid === 0xffff_ffff ? undefined : uid; // no credentials, as for a TCP socket
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}
