import type { Disabled } from "#policy/ban.ts";
import { followed, membershipOf, parseDevices, type Devices } from "#policy/members.ts";
import type { Whom } from "#policy/merge.ts";
import { PolicyError } from "#policy/parse.ts";
import { sha256 } from "#trust/sha256.ts";

/** Which groups this device is in, by what is signed of them. */
export interface Grouping {
  readonly whom: Whom;
  /** Every group that somebody vouches for, also where this device is not in it. */
  readonly vouched: ReadonlySet<string>;
  /** Groups of a newer list that are left out here. */
  readonly ignored: readonly Disabled[];
}

/** What the device's own configuration says of its groups, and what the policy's signers make of it. */
export class Groups {
  readonly #id: string;
  readonly #labels: readonly string[];
  readonly #hash: string;
  /** The list is long, seldom another, and asked for at each look. */
  #last: { readonly of: string; readonly devices: Devices | PolicyError } | undefined;

  /** @param labels what MDM wrote, or the machine's administrator */
  constructor(id: string, labels: readonly string[]) {
    this.#id = id;
    this.#labels = labels;
    this.#hash = sha256(id);
  }

  /** Where the exceptions of this device lie: the first two hex digits of its hash. */
  get shard(): string {
    return this.#hash.slice(0, 2);
  }

  /**
   * @param bytes `devices.json`, unpacked; undefined where nobody has signed one
   * @throws PolicyError where it cannot be used: what is in force stays, as it would for the policy of the same signers
   */
  by(bytes: Uint8Array | undefined): Grouping {
    const devices = bytes && this.#read(bytes);
    if (devices instanceof PolicyError) throw devices;
    return this.#grouping(devices);
  }

  /** The groups whose policies this device follows. */
  followed(bytes: Uint8Array | undefined): readonly string[] {
    const devices = bytes && this.#read(bytes);
    return followed(this.#grouping(devices instanceof PolicyError ? undefined : devices).whom);
  }

  #grouping(devices: Devices | undefined): Grouping {
    return {
      whom: { id: this.#id, hash: this.#hash, ...membershipOf(devices, this.#hash, this.#labels) },
      vouched: new Set(devices?.groups.keys()),
      ignored: devices?.ignored ?? [],
    };
  }

  #read(bytes: Uint8Array): Devices | PolicyError {
    const of = sha256(bytes);
    if (this.#last?.of !== of) this.#last = { of, devices: parsed(bytes) };
    return this.#last.devices;
  }
}

function parsed(bytes: Uint8Array): Devices | PolicyError {
  try {
    return parseDevices(bytes, { newer: "tolerate" });
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}
