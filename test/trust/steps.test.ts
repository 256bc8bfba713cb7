import { expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { parseRoot } from "#trust/metadata.ts";
import { keysOf, lostKey, TrustedSet } from "#trust/trusted-set.ts";
import { asPem } from "./pem.ts";
import { now } from "./simulated.ts";
import { listed, Simulator } from "./simulator.ts";

// The client workflow, step by step: what each step stands on, what it says where it refuses, and what is trusted then.

interface Stepping {
  readonly sim: Simulator;
  readonly set: TrustedSet;
  /** The role as it is now. */
  readonly bytes: (role: string) => Promise<Buffer>;
  /** Takes these steps, each with the role as it is now. */
  readonly take: (...roles: readonly ("timestamp" | "snapshot" | "targets")[]) => Promise<void>;
}

async function stepping(edit: (sim: Simulator) => void = () => undefined): Promise<Stepping> {
  const sim = new Simulator(now);
  sim.delegate("targets", "A");
  edit(sim);
  const set = new TrustedSet(await sim.writeRoot());
  const bytes = (role: string): Promise<Buffer> => sim.bytes(role);
  const step = {
    timestamp: (file: Buffer) => void set.updateTimestamp(file),
    snapshot: (file: Buffer) => set.updateSnapshot(file),
    targets: (file: Buffer) => set.updateTargets(file),
  };
  return {
    sim,
    set,
    bytes,
    take: async (...roles) => {
      for (const role of roles) step[role](await bytes(role));
    },
  };
}

const refused = (error: object): unknown => expect.objectContaining({ name: "TrustError", ...error });

const missing = (file: string): unknown => refused({ code: "CACHE", file, message: `there is no trusted ${file} yet` });

test("no step is taken before the one that it stands on", async () => {
  const { set, bytes, take } = await stepping();
  const [snapshot, targets, A] = [await bytes("snapshot"), await bytes("targets"), await bytes("A")];
  expect(() => set.keepTimestamp()).toThrow(missing("timestamp"));
  expect(() => set.updateSnapshot(snapshot)).toThrow(missing("timestamp"));
  await take("timestamp");
  expect(() => set.updateTargets(targets)).toThrow(missing("snapshot"));
  await take("snapshot");
  expect(() => set.updateDelegated(A, "A", "targets")).toThrow(missing("targets"));
  await take("targets");
  expect(() => set.updateDelegated(A, "A", "B")).toThrow(missing("B"));
  expect(set.updateDelegated(A, "A", "targets").version).toBe(1);
});

test("what is trusted after each step stands there by its role", async () => {
  const { set, sim, bytes, take } = await stepping();
  const versions = (): unknown[] =>
    ["root", "timestamp", "snapshot", "targets", "A"].map((role) => set.metadata(role)?.version);
  expect(versions()).toEqual([1, undefined, undefined, undefined, undefined]);
  await take("timestamp", "snapshot");
  expect(versions()).toEqual([1, 1, 1, undefined, undefined]);
  await take("targets");
  const A = await bytes("A");
  expect(set.updateDelegated(A, "A", "targets")).toBe(set.delegated("A"));
  expect(versions()).toEqual([1, 1, 1, 1, 1]);
  expect([set.root, set.timestamp, set.snapshot, set.targets].map((role) => role?.type)).toEqual([
    "root",
    "timestamp",
    "snapshot",
    "targets",
  ]);
  expect([...set.files.keys()]).toEqual(["root", "timestamp", "snapshot", "targets", "A"]);
  for (const [role, file] of set.files) expect(file).toEqual(await sim.bytes(role));
  expect(set.metadata("B")).toBeUndefined();
});

test.each([1, 3])("root %i does not come after root 1", async (version) => {
  const { sim, set } = await stepping();
  sim.root.version = version;
  const next = await sim.writeRoot();
  const message = `root.json is version ${version} instead of 2`;
  expect(() => set.updateRoot(next)).toThrow(
    refused({ code: "VERSION", file: "root", message, seen: version, wanted: 2 }),
  );
  expect(set.root.version).toBe(1);
});

test("a root that follows stands in the place of the one before, with its bytes", async () => {
  const { sim, set } = await stepping();
  const next = await sim.next("root").writeRoot();
  set.updateRoot(next);
  expect([set.root.version, set.files.get("root")]).toEqual([2, next]);
});

const one = listed();
test.each<[what: string, change: (sim: Simulator) => unknown, rotated: boolean]>([
  ["nothing", () => undefined, false],
  ["timestamp's key", ({ timestamp }) => (timestamp.keys = [listed()]), true],
  ["snapshot's key", ({ snapshot }) => (snapshot.keys = [listed()]), true],
  ["targets' key", ({ targets }) => (targets.keys = [listed()]), false],
  ["a second key of timestamp's", ({ timestamp }) => timestamp.keys.push(listed()), false],
  ["one of snapshot's two keys", ({ snapshot }) => snapshot.keys.pop(), true],
  ["the name of timestamp's key", ({ timestamp }) => (timestamp.keys = [{ ...one, keyid: "another" }]), false],
  ["the form of timestamp's key", ({ timestamp }) => (timestamp.keys = [asPem(one)]), false],
])("where a root replaces %s, what the online roles signed is to be forgotten: %#", async (_what, change, rotated) => {
  const { sim, set } = await stepping(({ timestamp, snapshot }) => {
    timestamp.keys = [one];
    snapshot.keys.push(listed());
  });
  const old = set.root;
  change(sim);
  const next = await sim.next("root").writeRoot();
  expect(set.updateRoot(next)).toEqual({ rotated });
  const lost = [lostKey(old, parseRoot(next), "timestamp"), lostKey(old, parseRoot(next), "snapshot")];
  expect(lost.includes(true)).toBe(rotated);
});

test("a timestamp is held to the one that was known, which is trusted again where it is the same version", async () => {
  const { sim, set, bytes, take } = await stepping();
  sim.timestamp.version = 5;
  sim.snapshot.version = 3;
  const known = await bytes("timestamp");
  expect(set.knowTimestamp(known).version).toBe(5);
  expect([set.timestamp, set.files.get("timestamp"), set.timestampSigners.size]).toEqual([undefined, undefined, 0]);

  sim.timestamp.version = 4;
  const message = "timestamp went back from version 5 to 4";
  await expect(take("timestamp")).rejects.toEqual(
    refused({ code: "ROLLBACK", file: "timestamp", message, seen: 4, wanted: 5 }),
  );
  sim.timestamp.version = 6;
  sim.snapshot.version = 2;
  await expect(take("timestamp")).rejects.toEqual(refused({ code: "ROLLBACK", file: "snapshot", seen: 2, wanted: 3 }));
  expect(set.timestamp).toBeUndefined();

  sim.timestamp.version = 5;
  sim.timestamp.extra = { x_issued: "2026-07-11T00:00:00Z" };
  expect(set.updateTimestamp(await bytes("timestamp"))).toBe("same");
  expect([set.timestamp?.issued, set.files.get("timestamp")]).toEqual([undefined, known]);
  expect(set.timestampSigners).toEqual(keysOf(set.root.roles.timestamp, set.root.keys));

  sim.timestamp.version = 6;
  sim.snapshot.version = 3;
  const next = await bytes("timestamp");
  expect(set.updateTimestamp(next)).toBe("new");
  expect([set.timestamp?.version, set.files.get("timestamp")]).toEqual([6, next]);
});

test("a timestamp that is known is kept only while it is good by itself, and whoever signed it", async () => {
  const { sim, set, bytes } = await stepping();
  const known = await bytes("timestamp");
  set.knowTimestamp(known);
  set.finishRoot(now);
  set.keepTimestamp();
  expect([set.timestamp?.version, set.files.get("timestamp"), set.timestampSigners.size]).toEqual([1, known, 1]);

  const expired = await stepping(({ timestamp }) => (timestamp.expires = now));
  expired.set.knowTimestamp(await expired.bytes("timestamp"));
  expired.set.finishRoot(now);
  const late = refused({
    code: "EXPIRED",
    file: "timestamp",
    message: "timestamp.json expired at 2026-07-10T00:00:00Z, and it is 2026-07-10T00:00:00Z",
    seen: "2026-07-10T00:00:00Z",
    wanted: "2026-07-10T00:00:00Z",
  });
  expect(() => expired.set.keepTimestamp()).toThrow(late);
  expect(expired.set.timestamp).toBeUndefined();

  sim.timestamp.signers = [listed()];
  sim.snapshot.signers = [listed()];
  const [timestamp, snapshot] = [await bytes("timestamp"), await bytes("snapshot")];
  expect(() => set.knowTimestamp(timestamp)).toThrow(refused({ code: "SIGNATURE", file: "timestamp" }));
  expect(() => set.knowSnapshot(snapshot)).toThrow(refused({ code: "SIGNATURE", file: "snapshot" }));
});

test("a snapshot is held to the versions of the one that was known", async () => {
  const { sim, set, bytes, take } = await stepping();
  sim.role("A").version = 5;
  expect(set.knowSnapshot(await bytes("snapshot")).version).toBe(1);
  expect(set.snapshot).toBeUndefined();
  sim.next("snapshot").role("A").version = 4;
  const message = "A went back from version 5 to 4";
  await expect(take("timestamp", "snapshot")).rejects.toEqual(
    refused({ code: "ROLLBACK", file: "A", message, seen: 4, wanted: 5 }),
  );
  const A = sim.role("A");
  sim.roles.delete("A");
  sim.targets.delegations.length = 0;
  await expect(take("timestamp", "snapshot")).rejects.toEqual(
    refused({ code: "ROLLBACK", file: "A.json", message: "A.json is no longer in the snapshot" }),
  );
  expect(set.snapshot).toBeUndefined();
  sim.roles.set("A", A);
  A.version = 5;
  await take("timestamp", "snapshot");
  expect(set.snapshot?.meta.get("A.json")?.version).toBe(5);
});

test.each(["snapshot", "targets", "A"] as const)("%s has the version that is said above it", async (role) => {
  const { sim, set, bytes, take } = await stepping((to) => (to.promises = false));
  sim.role(role).bend = (content) => ({ ...content, version: 3 });
  const steps = async (): Promise<unknown> => {
    await take("timestamp", "snapshot", "targets");
    return set.updateDelegated(await bytes("A"), "A", "targets");
  };
  const message = `${role}.json is version 3 instead of 1`;
  await expect(steps()).rejects.toEqual(refused({ code: "VERSION", file: role, message, seen: 3, wanted: 1 }));
  expect([set.metadata(role), set.files.get(role)]).toEqual([undefined, undefined]);
});

test("a role that the snapshot does not name, or nobody delegates to, is refused", async () => {
  const { sim, set, bytes, take } = await stepping();
  sim.snapshot.bend = (content) => ({ ...content, meta: { "targets.json": { version: 1 } } });
  await take("timestamp", "snapshot", "targets");
  const A = await bytes("A");
  const unnamed = { code: "MISMATCH", file: "A", message: "the snapshot has no A.json" };
  expect(() => set.updateDelegated(A, "A", "targets")).toThrow(refused(unnamed));
  const strange = { code: "SIGNATURE", file: "B", message: "targets delegates nothing to B" };
  expect(() => set.updateDelegated(A, "B", "targets")).toThrow(refused(strange));
});

test("expiry is measured against the latest time that was given, and not before one was", async () => {
  const { sim, set, take } = await stepping();
  const soon = instantOf(now + 1_000);
  sim.timestamp.expires = sim.snapshot.expires = soon;
  set.advance(instantOf(now + 5_000));
  await take("timestamp");
  set.finishRoot(now);
  set.advance(instantOf(now - 5_000));
  set.advance(instantOf(now + 999));
  await take("snapshot");
  set.advance(soon);
  set.advance(now);
  await expect(take("timestamp")).rejects.toEqual(refused({ code: "EXPIRED", file: "timestamp" }));
  await expect(take("snapshot")).rejects.toEqual(refused({ code: "EXPIRED", file: "snapshot" }));
  expect(() => set.finishRoot(instantOf(now + 48 * 3_600_000))).toThrow(refused({ code: "EXPIRED", file: "root" }));
});

test("a root is held to its own keys, the one to begin with too, and one that follows also to those before it", async () => {
  const { sim, set } = await stepping();
  const first = await sim.writeRoot();
  const damaged = Buffer.from(first.toString().replace('"consistent_snapshot":true', '"consistent_snapshot":false'));
  const unsigned = refused({ code: "SIGNATURE", file: "root", seen: 0, wanted: 1 });
  expect(() => new TrustedSet(damaged)).toThrow(unsigned);

  const [old, other] = [sim.root.keys, [listed()]];
  sim.next("root").root.keys = other;
  for (const signers of [old, other, [listed()]]) {
    sim.root.signers = signers;
    const next = await sim.writeRoot();
    expect(() => set.updateRoot(next)).toThrow(unsigned);
  }
  sim.root.signers = [...old, ...other];
  set.updateRoot(await sim.writeRoot());
  expect(set.root.version).toBe(2);
});

test("targets that have expired are refused, and delegated ones where nobody reports it", async () => {
  const { sim, set, bytes, take } = await stepping();
  set.finishRoot(now);
  sim.role("A").expires = now;
  await take("timestamp", "snapshot", "targets");
  const A = await bytes("A");
  expect(() => set.updateDelegated(A, "A", "targets")).toThrow(refused({ code: "EXPIRED", file: "A" }));
  expect(set.updateDelegated(A, "A", "targets", "reported").version).toBe(1);
  sim.targets.expires = now;
  sim.next("timestamp");
  await expect(take("timestamp", "snapshot", "targets")).rejects.toEqual(refused({ code: "EXPIRED", file: "targets" }));
});

test("each file has the bytes that are said above it", async () => {
  const { set, bytes, take } = await stepping();
  const longer = async (role: string): Promise<Buffer> => Buffer.concat([await bytes(role), Buffer.from(" ")]);
  const [snapshot, targets, A] = [await longer("snapshot"), await longer("targets"), await longer("A")];
  await take("timestamp");
  expect(() => set.updateSnapshot(snapshot)).toThrow(refused({ code: "MISMATCH", file: "snapshot.json" }));
  await take("snapshot");
  expect(() => set.updateTargets(targets)).toThrow(refused({ code: "MISMATCH", file: "targets.json" }));
  await take("targets");
  expect(() => set.updateDelegated(A, "A", "targets")).toThrow(refused({ code: "MISMATCH", file: "A.json" }));
});
