import koffi, { type KoffiFunc } from "koffi";
import { execsOnly, listenMessage, parseProcMessages } from "#platform/linux/proc-event.ts";
import { checked, errnoName, SystemCallError } from "#platform/linux/libc.ts";

type Wait = (fds: Uint8Array, n: number, timeout: number) => number;

/** System calls of netlink(7) and poll(2), of the C library that Node itself runs on. */
interface Calls {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly connect: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recvfrom: (
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    from: Uint8Array,
    fromLength: Uint8Array,
  ) => number;
  readonly eventfd: (value: number, flags: number) => number;
  readonly write: (fd: number, bytes: Uint8Array, length: number) => number;
  readonly close: (fd: number) => number;
  readonly poll: KoffiFunc<Wait>;
  /** What the event loop of this process waits on: its epoll descriptor, readable when the loop has something to do. */
  readonly loop: number;
}

/** uv_backend_fd(3) of libuv, which Node exports for its addons; -1, which poll(2) passes over, where it does not. */
function backendOf(lib: ReturnType<typeof koffi.load>): number {
  try {
    const defaultLoop: () => unknown = lib.func("void *uv_default_loop(void)");
    const backend: (loop: unknown) => number = lib.func("int uv_backend_fd(void *loop)");
    return backend(defaultLoop());
  } catch {
    return -1;
  }
}

function bindCalls(): Calls {
  const lib = koffi.load(null);
  return {
    socket: lib.func("int socket(int domain, int type, int protocol)"),
    bind: lib.func("int bind(int fd, const uint8_t *address, unsigned int length)"),
    connect: lib.func("int connect(int fd, const uint8_t *address, unsigned int length)"),
    setsockopt: lib.func("int setsockopt(int fd, int level, int name, const uint8_t *value, unsigned int length)"),
    send: lib.func("int64_t send(int fd, const uint8_t *bytes, size_t length, int flags)"),
    recvfrom: lib.func(
      "int64_t recvfrom(int fd, _Out_ uint8_t *b, size_t n, int flags, _Out_ uint8_t *from, _Inout_ uint8_t *length)",
    ),
    eventfd: lib.func("int eventfd(unsigned int value, int flags)"),
    write: lib.func("int64_t write(int fd, const uint8_t *bytes, size_t length)"),
    close: lib.func("int close(int fd)"),
    poll: lib.func("int poll(uint8_t *fds, unsigned long n, int timeout)"),
    loop: backendOf(lib),
  };
}

// linux/netlink.h, asm-generic/socket.h, sys/eventfd.h; the same on both processors.
const AF_NETLINK = 16;
const SOCK_DGRAM = 0x2;
const SOCK_NONBLOCK = 0o4000;
const CLOEXEC = 0o2000000;
const NETLINK_CONNECTOR = 11;
const SOL_SOCKET = 1;
const SO = { RCVBUF: 8, ATTACH_FILTER: 26, RCVBUFFORCE: 33 } as const;
const POLLIN = 1;

/** struct sockaddr_nl: the group of process events, or the kernel itself, which has port 0. */
function address(group: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(AF_NETLINK, 0);
  bytes.writeUInt32LE(group, 8);
  return bytes;
}

export interface Received {
  /** In order, and more than once where one process ran several programs. */
  readonly pids: readonly number[];
  /** The kernel had more to say than the buffer holds, and dropped some (ENOBUFS, netlink(7)). */
  readonly lost: boolean;
  /** There may be more already. */
  readonly more: boolean;
}

/** How long a wait may keep its thread, in milliseconds: the process cannot end before (a thread in poll(2) is not ended). */
const longestWait = 1000;

/** The kernel's own stream of execs: the proc connector of Documentation/driver-api/connector.rst. */
export class ProcConnector {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #wake: number;
  // What a call on another thread uses may be neither collected nor moved meanwhile: it lives as long as we do, and is
  // larger than the 64 bytes that V8 keeps in its own heap.
  readonly #fds = Buffer.alloc(128);
  readonly #here = Buffer.alloc(128);
  readonly #datagram = Buffer.alloc(8192);
  readonly #from = Buffer.alloc(12);
  readonly #fromLength = Buffer.alloc(4);
  #waiting = false;
  #closed = false;

  /** Opens it and asks for execs. `buffer`: bytes of messages the kernel keeps for us. @throws SystemCallError */
  constructor(buffer: number) {
    const calls = bindCalls();
    this.#calls = calls;
    this.#fd = checked("socket", calls.socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | CLOEXEC, NETLINK_CONNECTOR));
    try {
      this.#attachFilter();
      const size = Buffer.alloc(4);
      size.writeUInt32LE(buffer);
      // Past the machine's own bound only with CAP_NET_ADMIN (socket(7)); without, as much as it allows.
      if (calls.setsockopt(this.#fd, SOL_SOCKET, SO.RCVBUFFORCE, size, 4) < 0)
        checked("setsockopt", calls.setsockopt(this.#fd, SOL_SOCKET, SO.RCVBUF, size, 4));
      checked("bind", calls.bind(this.#fd, address(1), 12));
      checked("connect", calls.connect(this.#fd, address(0), 12)); // nobody but the kernel can send to us
      this.#wake = checked("eventfd", calls.eventfd(0, CLOEXEC | SOCK_NONBLOCK));
    } catch (error) {
      calls.close(this.#fd);
      throw error;
    }
    this.#fds.writeInt32LE(this.#fd, 0); // struct pollfd: int fd, short events, short revents
    this.#fds.writeInt16LE(POLLIN, 4);
    this.#fds.writeInt32LE(this.#wake, 8);
    this.#fds.writeInt16LE(POLLIN, 12);
    this.#fds.copy(this.#here);
    this.#here.writeInt32LE(calls.loop, 8);
  }

  #attachFilter(): void {
    const rows = execsOnly();
    const program = Buffer.alloc(128);
    for (const [i, [code, ifTrue, ifFalse, value]] of rows.entries()) {
      program.writeUInt16LE(code, i * 8); // struct sock_filter
      program.writeUInt8(ifTrue, i * 8 + 2);
      program.writeUInt8(ifFalse, i * 8 + 3);
      program.writeUInt32LE(value, i * 8 + 4);
    }
    const filter = Buffer.alloc(16); // struct sock_fprog
    filter.writeUInt16LE(rows.length, 0);
    filter.writeBigUInt64LE(koffi.address(program), 8);
    checked("setsockopt", this.#calls.setsockopt(this.#fd, SOL_SOCKET, SO.ATTACH_FILTER, filter, filter.length));
  }

  /**
   * Asks the kernel for events; it answers before the call returns. False where nothing answers: the kernel is built without
   * CONFIG_PROC_EVENTS, or does not take the question from this namespace. @throws SystemCallError
   */
  listen(): boolean {
    const message = listenMessage(0);
    checked("send", this.#calls.send(this.#fd, message, message.length, 0));
    for (;;) {
      const bytes = this.#next();
      if (bytes === "nothing") return false;
      if (bytes === "lost") return true; // so many execs at once that the answer did not fit
      for (const one of parseProcMessages(bytes)) {
        if (one.what !== "listening") continue;
        if (one.error !== 0) throw new SystemCallError("PROC_CN_MCAST_LISTEN", `errno ${one.error}`);
        return true;
      }
    }
  }

  /** What has come, at most `most` execs of it. Never waits. @throws SystemCallError */
  receive(most: number): Received {
    const pids: number[] = [];
    let lost = false;
    while (pids.length < most) {
      const bytes = this.#next();
      if (bytes === "nothing") return { pids, lost, more: false };
      if (bytes === "lost") lost = true;
      else
        for (const one of parseProcMessages(bytes)) {
          if (one.what === "exec") pids.push(one.pid);
          lost ||= one.what === "overrun";
        }
    }
    return { pids, lost, more: true };
  }

  /** One datagram of the kernel's. Another sender's is dropped: a multicast can still come from whoever has CAP_NET_ADMIN. */
  #next(): Uint8Array | "nothing" | "lost" {
    for (;;) {
      this.#fromLength.writeUInt32LE(this.#from.length);
      const { length } = this.#datagram;
      const got = this.#calls.recvfrom(this.#fd, this.#datagram, length, 0, this.#from, this.#fromLength);
      if (got >= 0) {
        if (this.#from.readUInt32LE(4) !== 0) continue;
        return this.#datagram.subarray(0, got);
      }
      const errno = errnoName();
      if (errno === "EAGAIN") return "nothing";
      if (errno === "ENOBUFS") return "lost";
      if (errno !== "EINTR") throw new SystemCallError("recvfrom", errno);
    }
  }

  /**
   * Resolves when something has come, when it was closed, and in any case within a second. One at a time. The wait takes a
   * thread of libuv's: its readers see a waking socket sooner than the event loop does, which the kernel queues behind the
   * very program that wakes it (54 µs against 409 µs, half of all, on two cores), and the first look is what counts.
   */
  arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = true;
      this.#calls.poll.async(this.#fds, 2, longestWait, () => {
        this.#waiting = false;
        if (this.#closed) this.#release();
        resolve();
      });
    });
  }

  /**
   * Waits on this very thread until something has come or the event loop has something else to do. Where one exec follows
   * another this saves the taking turns of two threads; timers that are due meanwhile are late by as much.
   * @returns whether the event loop has something to do
   */
  waitHere(milliseconds: number): boolean {
    if (this.#closed) return true;
    const ready = this.#calls.poll(this.#here, 2, milliseconds);
    return ready > 0 && this.#here.readInt16LE(14) !== 0;
  }

  /** A wait that is under way ends now. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#waiting) return this.#release();
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    this.#calls.write(this.#wake, one, one.length);
  }

  #release(): void {
    this.#calls.close(this.#fd);
    this.#calls.close(this.#wake);
  }
}
