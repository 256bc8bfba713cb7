import { limits, maxKeys } from "#trust/limits.ts";
import type { Both } from "./both.ts";
import { asPem, pemKey } from "./pem.ts";
import { listed, type Simulator } from "./simulator.ts";

/** Where tuf-js 6.0.2 and we do not say the same of one repository, and why we do not follow. */
export interface Difference {
  readonly what: string;
  /** Makes the repository of the first look. */
  readonly first?: (sim: Simulator) => unknown;
  /** What happens before the second look, where there is one. */
  readonly change?: (sim: Simulator, both: Both) => unknown;
  /** The path that is asked for at the last look. */
  readonly path?: string;
  /** "refused", "believed", "believed without looking"; or what was found: "none", or "found". */
  readonly theirs: string;
  readonly ours: string;
  readonly because: string;
}

const pattern = (paths: readonly string[]) => (sim: Simulator) =>
  void sim
    .delegate("targets", "A", { paths })
    .targets.set("a", Buffer.from("a"))
    .set(".a", Buffer.from("a"))
    .set("#a", Buffer.from("a"));

const shell =
  "4.5 speaks of `*` and `?`; each more that a pattern means is one more that whoever delegates did not mean";

export const differences: readonly Difference[] = [
  { what: "the pattern [ab]", first: pattern(["[ab]"]), path: "a", theirs: "found", ours: "none", because: shell },
  { what: "the pattern {a,b}", first: pattern(["{a,b}"]), path: "a", theirs: "found", ours: "none", because: shell },
  { what: "the pattern !b", first: pattern(["!b"]), path: "a", theirs: "found", ours: "none", because: shell },
  { what: "the pattern +(a)", first: pattern(["+(a)"]), path: "a", theirs: "found", ours: "none", because: shell },
  {
    what: "the pattern #a",
    first: pattern(["#a"]),
    path: "#a",
    theirs: "none",
    ours: "found",
    because: "to minimatch it is a comment",
  },
  {
    what: "the pattern * and a name with a dot before it",
    first: pattern(["*"]),
    path: ".a",
    theirs: "none",
    ours: "found",
    because: "so does python-tuf; a name that is hidden in a shell is none in a repository",
  },
  {
    what: "a delegated role that is called __proto__",
    first: (sim) => void sim.delegate("targets", "__proto__").targets.set("a", Buffer.from("a")),
    path: "a",
    theirs: "none",
    ours: "found",
    because: "they keep roles in an object; names from outside live in maps here",
  },
  {
    what: "one public key under two ids, where two are needed",
    first: (sim) => {
      const [key] = sim.targets.keys;
      Object.assign(sim.targets, { keys: [listed(key?.signer), listed(key?.signer, "another name")], threshold: 2 });
    },
    theirs: "believed",
    ours: "refused",
    because: "two signatures of one key are the word of one",
  },
  {
    what: "one public key once as hex and once as PEM, where two are needed",
    first: (sim) => {
      const [key] = sim.targets.keys;
      Object.assign(sim.targets, { keys: [listed(key?.signer), asPem(listed(key?.signer))], threshold: 2 });
    },
    theirs: "believed",
    ours: "refused",
    because: "two signatures of one key are the word of one",
  },
  {
    what: "the snapshot's key is replaced alone, after its version ran away",
    first: (sim) => (sim.snapshot.version = 1_000_000),
    change: async (sim) => {
      sim.snapshot.keys = [listed()];
      await sim.next("root").writeRoot();
      sim.next("timestamp").snapshot.version = 2;
    },
    theirs: "refused",
    ours: "believed",
    because: "5.3.11: where the snapshot lost a key, the timestamp that remembers its version is forgotten too",
  },
  {
    what: "the timestamp's key is replaced alone, and a role has gone back",
    first: (sim) => (sim.targets.version = 5),
    change: async (sim) => {
      sim.timestamp.keys = [listed()];
      await sim.next("root").writeRoot();
      sim.targets.version = 4;
      sim.next("snapshot", "timestamp");
    },
    theirs: "refused",
    ours: "believed",
    because: "5.3.11: where the timestamp lost a key, the snapshot that remembers the role's version is forgotten too",
  },
  {
    what: "another snapshot under the same version",
    change: (sim) => {
      sim.next("timestamp").snapshot.extra = { "x-more": 1 };
    },
    theirs: "believed without looking",
    ours: "believed",
    because:
      "5.5.2 holds for a stored snapshot as well: it is fetched again where it is not the one that the timestamp means",
  },
  {
    what: "a root of more than 64 KiB",
    change: (sim) => {
      sim.next("root").root.extra = { padding: " ".repeat(limits.root) };
      return sim.writeRoot();
    },
    theirs: "believed",
    ours: "refused",
    because: "a root is parsed before any of its signatures is looked at",
  },
  {
    what: "a role with more keys than anybody has",
    first: (sim) => {
      sim.root.bend = (content) => {
        const roles = content["roles"] as Record<string, { keyids: readonly string[] }>;
        const keyids = [...(roles["targets"]?.keyids ?? []), ...Array.from({ length: maxKeys }, (_, i) => `${i}`)];
        return { ...content, roles: { ...roles, targets: { threshold: 1, keyids } } };
      };
    },
    theirs: "believed",
    ours: "refused",
    because: "each can cost a verification",
  },
  {
    what: "a delegated role of more than 4 MiB",
    first: (sim) => {
      sim.promises = false;
      sim.delegate("targets", "A").targets.set("a", Buffer.from("a"));
      sim.role("A").tamper = (bytes) => Buffer.concat([bytes, Buffer.alloc(limits.delegated, " ")]);
    },
    path: "a",
    theirs: "found",
    ours: "none",
    because: "a department's file is parsed on the machine of everybody in it",
  },
  {
    what: "an RSA key of 1024 bits",
    first: (sim) => void (sim.targets.keys = [pemKey("rsassa-pss-sha256", 1024)]),
    theirs: "believed",
    ours: "refused",
    because: "NIST SP 800-131A: too short for a signature",
  },
  {
    what: "a signed time that is none",
    first: (sim) => void (sim.timestamp.extra = { x_issued: "garbage" }),
    theirs: "believed",
    ours: "refused",
    because: "the field is ours",
  },
  {
    what: "expires with a fraction of a second",
    first: (sim) => void (sim.targets.bend = (c) => ({ ...c, expires: String(c["expires"]).replace("Z", ".5Z") })),
    theirs: "believed",
    ours: "refused",
    because: "4.2.2 has one form",
  },
];
