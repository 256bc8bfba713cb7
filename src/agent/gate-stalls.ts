/** Milliseconds: within which a second time is one too many, and for how long a device is left out then. */
const [within, leftFor] = [600_000, 3_600_000];
const tooOften = 2;

/**
 * Filesystems whose reading gates stood still on until the kernel ended them. A disk or image that does so again and again would
 * leave the whole machine without a gate: after the second time it is left out, and tried again after an hour. One that was left
 * out before has one time less.
 */
export class Stalls {
  readonly #now: () => number;
  readonly #times = new Map<string, readonly number[]>();
  readonly #until = new Map<string, number>();

  /** @param now milliseconds of a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A gate stood still on it. Whether it is left out from now on. */
  stood(device: string): boolean {
    const now = this.#now();
    for (const [known, times] of this.#times) if (times.every((time) => now - time > within)) this.#times.delete(known);
    const times = [...(this.#times.get(device) ?? []), now];
    this.#times.set(device, times);
    if (times.filter((time) => now - time <= within).length < tooOften) return false;
    this.#until.set(device, now + leftFor);
    this.#times.set(device, [now + leftFor]);
    return true;
  }

  /** Devices that are left out now. */
  left(): readonly string[] {
    const now = this.#now();
    for (const [device, until] of this.#until) if (until <= now) this.#until.delete(device);
    return [...this.#until.keys()];
  }
}
