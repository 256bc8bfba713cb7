import { instantOf } from "#lib/pure/instant.ts";
import { Forge, listed } from "./forge.ts";

const past = instantOf(1_600_000_000_000);

export interface Round {
  readonly does: string;
  /** Makes the repository of the first look; a plain one where it is absent. */
  readonly first?: (forge: Forge) => Promise<void> | void;
  /** Changes it between the first look and the second. */
  readonly change?: (forge: Forge) => Promise<void> | void;
  /** Whether the last look is believed, by both. */
  readonly believed: boolean;
}

export const all = ["targets", "snapshot", "timestamp"] as const;

export const rounds: readonly Round[] = [
  { does: "nothing unusual", believed: true },
  { does: "nothing new at the second look", change: () => undefined, believed: true },
  { does: "a new version of everything", change: (f) => f.next(...all).write(), believed: true },
  { does: "versions that skip numbers", change: (f) => f.next(...all, ...all, ...all).write(), believed: true },
  {
    does: "no lengths or hashes of metadata",
    first: (f) => void (f.promises = false),
    change: (f) => f.next(...all).write(),
    believed: true,
  },
  {
    does: "an older timestamp",
    first: (f) => void f.next("timestamp"),
    change: (f) => {
      f.version.timestamp = 1;
      return f.write();
    },
    believed: false,
  },
  {
    does: "an older snapshot behind a newer timestamp",
    first: (f) => void f.next("snapshot"),
    change: (f) => {
      f.next("timestamp").version.snapshot = 1;
      return f.write();
    },
    believed: false,
  },
  {
    does: "older targets behind a newer snapshot",
    first: (f) => void f.next("targets"),
    change: (f) => {
      f.next("snapshot", "timestamp").version.targets = 1;
      return f.write();
    },
    believed: false,
  },
  {
    does: "a snapshot that is not the timestamp's version",
    first: (f) => {
      f.promises = false;
      f.bend.snapshot = (c) => ({ ...c, version: 7 });
    },
    believed: false,
  },
  {
    does: "targets that are not the snapshot's version",
    first: (f) => {
      f.promises = false;
      f.bend.targets = (c) => ({ ...c, version: 7 });
    },
    believed: false,
  },
  {
    does: "a timestamp signed by another key",
    change: (f) => {
      f.next("timestamp").keys.timestamp = [listed()];
      return f.write();
    },
    believed: false,
  },
  {
    does: "a snapshot signed by another key",
    change: (f) => {
      f.next("snapshot", "timestamp").keys.snapshot = [listed()];
      return f.write();
    },
    believed: false,
  },
  {
    does: "targets signed by another key",
    change: (f) => {
      f.next(...all).keys.targets = [listed()];
      return f.write();
    },
    believed: false,
  },
  { does: "an expired timestamp", first: (f) => void (f.expires.timestamp = past), believed: false },
  { does: "an expired snapshot", first: (f) => void (f.expires.snapshot = past), believed: false },
  { does: "expired targets", first: (f) => void (f.expires.targets = past), believed: false },
  { does: "an expired root", first: (f) => void (f.expires.root = past), believed: false },
  {
    does: "an expired root with a good one after it",
    first: (f) => void (f.expires.root = past),
    change: async (f) => {
      f.expires.root = f.expires.targets;
      await f.next("root").writeRoot();
    },
    believed: true,
  },
  { does: "one byte of the targets changed", first: (f) => void (f.tamper.targets = flip), believed: false },
  { does: "one byte of the snapshot changed", first: (f) => void (f.tamper.snapshot = flip), believed: false },
  {
    does: "targets one byte longer than signed",
    first: (f) => void (f.tamper.targets = (b) => Buffer.concat([b, Buffer.from(" ")])),
    believed: false,
  },
  {
    does: "a timestamp that is not JSON",
    first: (f) => void (f.tamper.timestamp = () => Buffer.from("<html>no</html>")),
    believed: false,
  },
  {
    does: "a role in another's place",
    first: (f) => void (f.bend.timestamp = (c) => ({ ...c, _type: "snapshot" })),
    believed: false,
  },
  {
    does: "a snapshot that lost the targets",
    change: (f) => {
      f.bend.snapshot = (c) => ({ ...c, meta: {} });
      return f.next("snapshot", "timestamp").write();
    },
    believed: false,
  },
  { does: "a second root by both keys", change: (f) => rotateRoot(f), believed: true },
  {
    does: "a second root by the old key alone",
    change: async (f) => {
      const [old] = f.keys.root;
      f.keys.root = [listed()];
      await f.next("root").writeRoot(old && [old]);
      withoutSignature(f, "/2.root.json", 0);
    },
    believed: false,
  },
  {
    does: "a second root by the new key alone",
    change: async (f) => {
      f.keys.root = [listed()];
      await f.next("root").writeRoot();
    },
    believed: false,
  },
  {
    does: "a second root that says it is the third",
    change: async (f) => {
      f.bend.root = (c) => ({ ...c, version: 3 });
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
      f.keys.timestamp = [listed()];
      await f.next("root").writeRoot();
      await f.next("timestamp").write();
    },
    believed: true,
  },
  {
    does: "a new timestamp key, and the old one goes on signing",
    change: async (f) => {
      const old = f.keys.timestamp;
      f.keys.timestamp = [listed()];
      await f.next("root").writeRoot();
      f.keys.timestamp = old;
      await f.next("timestamp").write();
    },
    believed: false,
  },
  {
    does: "new online keys after the old had run far ahead",
    first: (f) => {
      f.version.timestamp = 1000;
      f.version.snapshot = 1000;
    },
    change: async (f) => {
      f.keys.timestamp = [listed()];
      f.keys.snapshot = [listed()];
      await f.next("root").writeRoot();
      f.version.timestamp = 2;
      f.version.snapshot = 2;
      await f.write();
    },
    believed: true,
  },
  {
    does: "two of three keys",
    first: (f) => {
      f.keys.targets = [listed(), listed(), listed()];
      f.threshold.targets = 2;
    },
    believed: true,
  },
  {
    does: "one of two keys",
    first: (f) => {
      f.threshold.timestamp = 2;
    },
    believed: false,
  },
  {
    does: "names that JavaScript objects have",
    first: (f) => {
      for (const name of ["__proto__", "constructor", "toString", "a/b", "ü"]) f.targets.set(name, Buffer.from(name));
    },
    believed: true,
  },
  {
    does: "fields that nobody knows",
    first: (f) => void (f.bend.targets = (c) => ({ ...c, "x-more": { a: [1, 'ü"\\', null, true] } })),
    believed: true,
  },
];

async function rotateRoot(forge: Forge): Promise<void> {
  const old = forge.keys.root;
  forge.keys.root = [listed()];
  await forge.next("root").writeRoot(old);
}

function withoutSignature(forge: Forge, path: string, index: number): void {
  const file = JSON.parse(forge.files.get(path)?.toString() ?? "") as { signatures: unknown[] };
  file.signatures.splice(index, 1);
  forge.files.set(path, Buffer.from(JSON.stringify(file)));
}

function flip(bytes: Buffer): Buffer {
  const at = bytes.indexOf('"version":') + 10;
  return Buffer.from(bytes.toString().slice(0, at) + "9" + bytes.toString().slice(at + 1));
}
