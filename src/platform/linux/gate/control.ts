import { PlatformError } from "#platform/platform.ts";
import type { GateControl } from "#platform/gate.ts";
import { pollBits, type GateKernel } from "#platform/linux/gate/kernel.ts";

/** Bytes that the agent may leave unread before lines are dropped: a stopped agent must not stop the gate. */
const mostUnread = 4 * 1024 * 1024;
/** Bytes of one line, and of one policy with its catalog (POLICY.md, bounds). */
const longestLine = 64 * 1024 * 1024;
const receiveBytes = 256 * 1024;

/** Lines over one end of a socket pair, without libuv: the gate waits in poll(2) of its own. */
export class ControlSocket implements GateControl {
  readonly fd: number;
  readonly #kernel: GateKernel;
  readonly #buffer = Buffer.allocUnsafeSlow(receiveBytes);
  #received: Buffer[] = [];
  #length = 0;
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  #dropped = 0;
  #over = false;

  constructor(fd: number, kernel: GateKernel) {
    this.fd = fd;
    this.#kernel = kernel;
  }

  /** The agent has closed its end, or has gone. */
  get over(): boolean {
    return this.#over;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Something waits to be sent: poll for room. */
  get full(): boolean {
    return this.#unsent.length > 0;
  }

  waitLine(): string | undefined {
    for (;;) {
      const line = this.#takeLine();
      if (line !== undefined) return line;
      if (!this.#wait()) return undefined;
    }
  }

  waitBytes(length: number): Uint8Array | undefined {
    while (this.#length < length) if (!this.#wait()) return undefined;
    return this.#take(length);
  }

  /** Every line that is here. */
  lines(): readonly string[] {
    this.#receive();
    const lines: string[] = [];
    for (let line = this.#takeLine(); line !== undefined; line = this.#takeLine()) lines.push(line);
    return lines;
  }

  say(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    if (this.#unsentBytes + bytes.length > mostUnread) {
      this.#dropped += 1;
      return;
    }
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    this.flush();
  }

  /** Sends what the other end takes now. */
  flush(): void {
    for (;;) {
      const [first] = this.#unsent;
      if (first === undefined) return;
      const sent = this.#send(first);
      this.#unsentBytes -= sent;
      if (sent < first.length) {
        this.#unsent[0] = first.subarray(sent);
        return;
      }
      this.#unsent.shift();
    }
  }

  #send(bytes: Buffer): number {
    try {
      return this.#kernel.send(this.fd, bytes);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.#over = true; // EPIPE, ECONNRESET: nobody is left to read it
      return bytes.length;
    }
  }

  #wait(): boolean {
    if (this.#over) return false;
    this.#kernel.poll([{ fd: this.fd, events: pollBits.in }], -1);
    this.#receive();
    return !this.#over || this.#length > 0;
  }

  #receive(): void {
    while (!this.#over) {
      let length: number | undefined;
      try {
        length = this.#kernel.receive(this.fd, this.#buffer);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        length = 0;
      }
      if (length === undefined) return;
      if (length === 0 || this.#length > longestLine * 6) this.#over = true;
      else {
        this.#received.push(Buffer.from(this.#buffer.subarray(0, length)));
        this.#length += length;
        if (length < this.#buffer.length) return;
      }
    }
  }

  #takeLine(): string | undefined {
    let before = 0;
    for (const chunk of this.#received) {
      const end = chunk.indexOf(10);
      if (end >= 0) return this.#take(before + end + 1).toString("utf8", 0, before + end);
      before += chunk.length;
    }
    return undefined;
  }

  #take(length: number): Buffer {
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    if (all === undefined) return Buffer.of();
    this.#received = all.length > length ? [all.subarray(length)] : [];
    this.#length -= length;
    return all.subarray(0, length);
  }
}
