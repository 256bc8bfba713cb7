import { instantOf } from "#lib/pure/instant.ts";
import { listed, type SimulatedRole } from "../trust/simulator.ts";
import type { UnderTest } from "./under-test.ts";

export const all = ["targets", "snapshot", "timestamp"];
export const past = instantOf(1_600_000_000_000);

interface Second {
  readonly what: string;
  /** Changes the repository after a good first refresh. */
  readonly change: (all: UnderTest) => unknown;
  readonly exit: 0 | 1;
  readonly trusted: string;
  /** The last file that the second refresh asked for. */
  readonly last?: string;
}
const expire = (role: SimulatedRole): unknown => (role.expires = past);

export const seconds: readonly Second[] = [
  {
    what: "nothing new",
    change: () => 0,
    exit: 0,
    trusted: "root 1 snapshot 1 targets 1 timestamp 1",
    last: "timestamp.json",
  },
  {
    what: "everything new",
    change: ({ sim }) => sim.next(...all),
    exit: 0,
    trusted: "root 1 snapshot 2 targets 2 timestamp 2",
  },
  {
    what: "the timestamp's content, and not its version",
    change: ({ sim }) => (sim.timestamp.bend = (c) => ({ ...c, meta: { "snapshot.json": { version: 100 } } })),
    exit: 0,
    trusted: "root 1 snapshot 1 targets 1 timestamp 1",
    last: "timestamp.json",
  },
  {
    what: "no timestamp",
    change: ({ instead }) => instead.set("timestamp.json", undefined),
    exit: 1,
    trusted: "root 1 snapshot 1 targets 1 timestamp 1",
    last: "timestamp.json",
  },
  {
    what: "a snapshot that is not there",
    change: ({ sim, instead }) => {
      sim.next("snapshot", "timestamp");
      instead.set("2.snapshot.json", undefined);
    },
    exit: 1,
    trusted: "root 1 snapshot 1 targets 1 timestamp 2",
    last: "2.snapshot.json",
  },
  {
    what: "targets that are not there",
    change: ({ sim, instead }) => {
      sim.next(...all);
      instead.set("2.targets.json", undefined);
    },
    exit: 1,
    trusted: "root 1 snapshot 2 targets 1 timestamp 2",
    last: "2.targets.json",
  },
  {
    what: "targets with another hash than the snapshot says",
    change: ({ sim }) => {
      sim.next(...all).targets.tamper = (bytes) => Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)]);
    },
    exit: 1,
    trusted: "root 1 snapshot 2 targets 1 timestamp 2",
  },
  {
    what: "a snapshot in the timestamp's place, signed by the timestamp's key too",
    change: async ({ sim, instead }) => {
      sim.snapshot.keys.push(...sim.timestamp.keys);
      await sim.next("root").writeRoot();
      sim.next("snapshot").snapshot.extra = {
        meta: { "snapshot.json": { version: 1 }, "targets.json": { version: 1 } },
      };
      instead.set("timestamp.json", await sim.bytes("snapshot"));
    },
    exit: 1,
    trusted: "root 2 snapshot 1 targets 1 timestamp 1",
    last: "timestamp.json",
  },
  {
    what: "an older timestamp",
    change: async ({ sim, refresh }) => {
      sim.next("timestamp");
      await refresh();
      sim.timestamp.version = 1;
    },
    exit: 1,
    trusted: "root 1 snapshot 1 targets 1 timestamp 2",
    last: "timestamp.json",
  },
  {
    what: "an older snapshot behind a newer timestamp",
    change: async ({ sim, refresh }) => {
      sim.next("snapshot", "timestamp");
      await refresh();
      sim.next("timestamp").snapshot.version = 1;
    },
    exit: 1,
    trusted: "root 1 snapshot 2 targets 1 timestamp 2",
    last: "timestamp.json",
  },
  {
    what: "older targets behind a newer snapshot",
    change: async ({ sim, refresh }) => {
      sim.next(...all);
      await refresh();
      sim.next("snapshot", "timestamp").targets.version = 1;
    },
    exit: 1,
    trusted: "root 1 snapshot 2 targets 2 timestamp 3",
    last: "3.snapshot.json",
  },
  {
    what: "an expired timestamp",
    change: ({ sim }) => expire(sim.next("timestamp").timestamp),
    exit: 1,
    trusted: "root 1 snapshot 1 targets 1 timestamp 1",
  },
  {
    what: "an expired snapshot",
    change: ({ sim }) => expire(sim.next("snapshot", "timestamp").snapshot),
    exit: 1,
    trusted: "root 1 snapshot 1 targets 1 timestamp 2",
  },
  {
    what: "expired targets",
    change: ({ sim }) => expire(sim.next(...all).targets),
    exit: 1,
    trusted: "root 1 snapshot 2 targets 1 timestamp 2",
  },
  {
    what: "an expired root",
    change: ({ sim }) => {
      expire(sim.next("root", ...all).root);
      return sim.writeRoot();
    },
    exit: 1,
    trusted: "root 2 snapshot 1 targets 1 timestamp 1",
    last: "3.root.json",
  },
  {
    what: "an expired root with a good one after it",
    change: async ({ sim }) => {
      expire(sim.next("root").root);
      await sim.writeRoot();
      sim.next("root").root.expires = sim.targets.expires;
      await sim.writeRoot();
    },
    exit: 0,
    trusted: "root 3 snapshot 1 targets 1 timestamp 1",
  },
  {
    what: "fields that nobody knows, in the root, its roles and its keys",
    change: async ({ sim }) => {
      const key = listed();
      sim.next("root").root.keys.push({ ...key, key: Object.assign({ "extra-field": { b: 2, a: 1 } }, key.key) });
      sim.root.bend = (c) => ({ ...c, "custom-field": "value", roles: { ...(c["roles"] as object), more: {} } });
      await sim.writeRoot();
    },
    exit: 0,
    trusted: "root 2 snapshot 1 targets 1 timestamp 1",
  },
  {
    what: "a root without consistent snapshots",
    change: async ({ sim }) => {
      sim.consistent = false;
      await sim.next("root").writeRoot();
      sim.next(...all);
    },
    exit: 0,
    trusted: "root 2 snapshot 2 targets 2 timestamp 2",
    last: "targets.json",
  },
];
