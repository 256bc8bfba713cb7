import koffi from "koffi";
import { onTestFinished } from "vitest";

/** A datagram socket where systemd's would be (sd_notify(3)); Node has none. Gives what was received so far, in order. */
export function serviceManager(path: string): () => readonly string[] {
  const lib = koffi.load(null);
  const fd = Number(lib.func("int socket(int, int, int)")(1, 2, 0));
  const address = Buffer.concat([Buffer.of(1, 0), Buffer.from(path), Buffer.of(0)]);
  if (lib.func("int bind(int, const uint8_t *, unsigned int)")(fd, address, address.length) !== 0)
    throw new Error(`no socket at ${path}`);
  onTestFinished(() => void lib.func("int close(int)")(fd));
  const receive = lib.func("int64_t recv(int, _Out_ uint8_t *, size_t, int)");
  const heard: string[] = [];
  return () => {
    const into = Buffer.alloc(100);
    for (;;) {
      const length = Number(receive(fd, into, into.length, 0x40)); // MSG_DONTWAIT
      if (length < 0) return [...heard];
      heard.push(into.toString("utf8", 0, length));
    }
  };
}
