import { instantOf } from "#lib/pure/instant.ts";
import { listed, type Simulator } from "./simulator.ts";

const past = instantOf(1_600_000_000_000);

export interface Round {
  readonly does: string;
  /** Makes the repository of the first look; a plain one where it is absent. */
  readonly first?: (sim: Simulator) => unknown;
  /** Changes it between the first look and the second. */
  readonly change?: (sim: Simulator) => unknown;
  /** Whether the last look is believed, by both. */
  readonly believed: boolean;
}

export const all = ["targets", "snapshot", "timestamp"] as const;

export const rounds: readonly Round[] = [
  { does: "nothing unusual", believed: true },
  { does: "nothing new at the second look", change: () => undefined, believed: true },
  { does: "a new version of everything", change: (f) => f.next(...all), believed: true },
  { does: "versions that skip numbers", change: (f) => f.next(...all, ...all, ...all), believed: true },
  {
    does: "no lengths or hashes of metadata",
    first: (f) => void (f.promises = false),
    change: (f) => f.next(...all),
    believed: true,
  },
  {
    does: "an older timestamp",
    first: (f) => void f.next("timestamp"),
    change: (f) => {
      f.timestamp.version = 1;
    },
    believed: false,
  },
  {
    does: "an older snapshot behind a newer timestamp",
    first: (f) => void f.next("snapshot"),
    change: (f) => {
      f.next("timestamp").snapshot.version = 1;
    },
    believed: false,
  },
  {
    does: "older targets behind a newer snapshot",
    first: (f) => void f.next("targets"),
    change: (f) => {
      f.next("snapshot", "timestamp").targets.version = 1;
    },
    believed: false,
  },
  {
    does: "a snapshot that is not the timestamp's version",
    first: (f) => {
      f.promises = false;
      f.snapshot.bend = (c) => ({ ...c, version: 7 });
    },
    believed: false,
  },
  {
    does: "targets that are not the snapshot's version",
    first: (f) => {
      f.promises = false;
      f.targets.bend = (c) => ({ ...c, version: 7 });
    },
    believed: false,
  },
  {
    does: "a timestamp signed by another key",
    change: (f) => {
      f.next("timestamp").timestamp.keys = [listed()];
    },
    believed: false,
  },
  {
    does: "a snapshot signed by another key",
    change: (f) => {
      f.next("snapshot", "timestamp").snapshot.keys = [listed()];
    },
    believed: false,
  },
  {
    does: "targets signed by another key",
    change: (f) => {
      f.next(...all).targets.keys = [listed()];
    },
    believed: false,
  },
  { does: "an expired timestamp", first: (f) => void (f.timestamp.expires = past), believed: false },
  { does: "an expired snapshot", first: (f) => void (f.snapshot.expires = past), believed: false },
  { does: "expired targets", first: (f) => void (f.targets.expires = past), believed: false },
  { does: "an expired root", first: (f) => void (f.root.expires = past), believed: false },
  {
    does: "an expired root with a good one after it",
    first: (f) => void (f.root.expires = past),
    change: async (f) => {
      f.root.expires = f.targets.expires;
      await f.next("root").writeRoot();
    },
    believed: true,
  },
  { does: "one byte of the targets changed", first: (f) => void (f.targets.tamper = flip), believed: false },
  { does: "one byte of the snapshot changed", first: (f) => void (f.snapshot.tamper = flip), believed: false },
  {
    does: "targets one byte longer than signed",
    first: (f) => void (f.targets.tamper = (b) => Buffer.concat([b, Buffer.from(" ")])),
    believed: false,
  },
  {
    does: "a timestamp that is not JSON",
    first: (f) => void (f.timestamp.tamper = () => Buffer.from("<html>no</html>")),
    believed: false,
  },
  {
    does: "a role in another's place",
    first: (f) => void (f.timestamp.bend = (c) => ({ ...c, _type: "snapshot" })),
    believed: false,
  },
  {
    does: "a snapshot that lost the targets",
    change: (f) => {
      f.snapshot.bend = (c) => ({ ...c, meta: {} });
      f.next("snapshot", "timestamp");
    },
    believed: false,
  },
  { does: "a second root by both keys", change: (f) => rotateRoot(f), believed: true },
  {
    does: "a second root by the old key alone",
    change: async (f) => {
      f.root.signers = f.root.keys;
      f.root.keys = [listed()];
      await f.next("root").writeRoot();
    },
    believed: false,
  },
  {
    does: "a second root by the new key alone",
    change: async (f) => {
      f.root.keys = [listed()];
      await f.next("root").writeRoot();
    },
    believed: false,
  },
  {
    does: "a second root that says it is the third",
    change: async (f) => {
      f.root.bend = (c) => ({ ...c, version: 3 });
      await f.next("root").writeRoot();
    },
    believed: false,
  },
  {
    does: "five roots at once",
    change: async (f) => {
      for (let i = 0; i < 5; i += 1) await rotateRoot(f);
    },
    believed: true,
  },
  {
    does: "a new timestamp key",
    change: async (f) => {
      f.timestamp.keys = [listed()];
      await f.next("root").writeRoot();
      f.next("timestamp");
    },
    believed: true,
  },
  {
    does: "a new timestamp key, and the old one goes on signing",
    change: async (f) => {
      const old = f.timestamp.keys;
      f.timestamp.keys = [listed()];
      await f.next("root").writeRoot();
      f.timestamp.keys = old;
      f.next("timestamp");
    },
    believed: false,
  },
  {
    does: "new online keys after the old had run far ahead",
    first: (f) => {
      f.timestamp.version = 1000;
      f.snapshot.version = 1000;
    },
    change: async (f) => {
      f.timestamp.keys = [listed()];
      f.snapshot.keys = [listed()];
      await f.next("root").writeRoot();
      f.timestamp.version = 2;
      f.snapshot.version = 2;
    },
    believed: true,
  },
  {
    does: "two of three keys",
    first: (f) => {
      f.targets.keys = [listed(), listed(), listed()];
      f.targets.threshold = 2;
    },
    believed: true,
  },
  {
    does: "one of two keys",
    first: (f) => {
      f.timestamp.threshold = 2;
    },
    believed: false,
  },
  {
    does: "names that JavaScript objects have",
    first: (f) => {
      for (const name of ["__proto__", "constructor", "toString", "a/b", "ü"])
        f.targets.targets.set(name, Buffer.from(name));
    },
    believed: true,
  },
  {
    does: "fields that nobody knows",
    first: (f) => void (f.targets.bend = (c) => ({ ...c, "x-more": { a: [1, 'ü"\\', null, true] } })),
    believed: true,
  },
];

async function rotateRoot(sim: Simulator): Promise<void> {
  const old = sim.root.keys;
  sim.root.keys = [listed()];
  await sim.next("root").writeRoot(old);
}

function flip(bytes: Buffer): Buffer {
  const at = bytes.indexOf('"version":') + 10;
  return Buffer.from(bytes.toString().slice(0, at) + "9" + bytes.toString().slice(at + 1));
}
