import * as fc from "fast-check";

/** Few tools, and few things to know them by: what is drawn of policies and evidence meets. */
export const ids = ["a", "b", "c"];
export const identity = fc.oneof(
  fc.constantFrom(...ids).map((id) => ({ kind: "package", ecosystem: "npm", id })),
  fc.constantFrom(...ids).map((id) => ({ kind: "marker", bytes: `marker-of-${id}` })),
  fc.constantFrom(...ids).map((name) => ({ kind: "name", name })),
  fc.record({
    kind: fc.constant("path"),
    glob: fc.constantFrom("/opt/a/**", "/opt/*/b", "/opt/c?"),
    grade: fc.constantFrom("proof", "hint"),
  }),
);

const pick = <T>(...values: T[]): fc.Arbitrary<{ value: T[] } | { absent: true } | { unread: string }> =>
  fc.oneof(
    fc.subarray(values, { minLength: 1 }).map((value) => ({ value })),
    fc.constant({ absent: true as const }),
    fc.constant({ unread: "no" }),
  );
export const seen = fc.record({
  package: pick(...ids.map((id) => ({ ecosystem: "npm", id }))),
  marker: pick(...ids.map((id) => `marker-of-${id}`)),
  name: pick(...ids),
  path: pick("/opt/a/x", "/opt/a/b", "/opt/cc"),
});
