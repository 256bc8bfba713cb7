import type { Covered } from "./simulator.ts";

export type Edge = readonly [parent: string, role: string, covered?: Covered];
const python = { paths: ["*.py"] };
const last = { paths: ["*"], terminating: true };

export const graphs: readonly { readonly what: string; readonly edges: readonly Edge[]; readonly order: string }[] = [
  { what: "one role", edges: [["targets", "A"]], order: "A" },
  {
    what: "roles are asked in the order in which they are listed",
    edges: [
      ["targets", "B"],
      ["targets", "A"],
    ],
    order: "B A",
  },
  {
    what: "a role's own delegates come before its next sibling",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["A", "C"],
      ["A", "D"],
    ],
    order: "A C D B",
  },
  {
    what: "three levels deep",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["A", "C"],
      ["C", "D"],
    ],
    order: "A C D B",
  },
  {
    what: "nobody is asked after a terminating delegation",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["A", "C", last],
      ["A", "D"],
    ],
    order: "A C",
  },
  {
    what: "below a terminating delegation the search goes on",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["A", "C", last],
      ["C", "D"],
    ],
    order: "A C D",
  },
  {
    what: "who is listed before a terminating one is asked",
    edges: [
      ["targets", "A"],
      ["targets", "B", last],
      ["targets", "C"],
    ],
    order: "A B",
  },
  {
    what: "a role whose paths do not match is not asked",
    edges: [
      ["targets", "A", python],
      ["targets", "B"],
      ["A", "C"],
    ],
    order: "B",
  },
  {
    what: "a terminating role whose paths do not match ends nothing",
    edges: [
      ["targets", "A", { ...python, terminating: true }],
      ["targets", "B"],
    ],
    order: "B",
  },
  {
    what: "a circle is walked once",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["B", "C"],
      ["C", "D"],
      ["D", "B"],
    ],
    order: "A B C D",
  },
  {
    what: "a role that delegates to itself is asked once",
    edges: [
      ["targets", "A"],
      ["A", "A"],
    ],
    order: "A",
  },
  {
    what: "a role that two delegate to is asked once, where it is reached first",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["B", "C"],
      ["A", "C"],
    ],
    order: "A C B",
  },
  {
    what: "a role is reached through whoever delegates the path",
    edges: [
      ["targets", "A"],
      ["targets", "B"],
      ["B", "C"],
      ["A", "C", python],
    ],
    order: "A B C",
  },
  {
    what: "the hash of a path decides: none of these prefixes",
    edges: [
      ["targets", "A", { path_hash_prefixes: ["00", "becd"] }],
      ["targets", "B"],
    ],
    order: "B",
  },
  // sha256("missingpath") begins with becc3d.
  {
    what: "the hash of a path decides: one of these prefixes",
    edges: [["targets", "A", { path_hash_prefixes: ["00", "becc3d"] }]],
    order: "A",
  },
];
