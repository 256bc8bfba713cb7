import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatInstant, instantOf, parseDuration, parseInstant } from "#lib/pure/instant.ts";
import { approvedBy, compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema, type Device } from "#policy/device.ts";
import { evidenceSchema, type Evidence } from "#policy/evidence.ts";
import { lead } from "#policy/granted.ts";
import type { Policy } from "#policy/ban.ts";
import { modes } from "#policy/verdict.ts";
import { ids, identity, seen } from "./arbitrary.ts";
import { merged, whom, type Written } from "./written.ts";
import { banText, catalogOf, toolText } from "./text.ts";

const groupNames = ["finance", "sales"];
const day = (n: number): string => `2026-07-${String(n).padStart(2, "0")}T00:00:00Z`;
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const identities = fc.array(identity, { maxLength: 3 });

const ban = (tools: readonly string[]) =>
  fc.record({
    tool: fc.constantFrom(...tools),
    stages: fc.array(
      fc.record({
        from: fc.integer({ min: 1, max: 9 }).map(day),
        mode: fc.constantFrom("observe", "notify", "warn", "block", "remove"),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    scope: maybe(
      fc.record({ groups: fc.subarray(groupNames), percent: fc.constantFrom(30, 70) }, { requiredKeys: [] }),
    ),
    replacement: maybe(
      fc.record({ tool: fc.constantFrom(...ids, "finance/t"), ready: fc.constantFrom("preferred", "required") }),
    ),
    exceptions: maybe(fc.constantFrom("never", { max: "P1D" }, { max: "P3D" }, { max: "PT0.0005S" })),
  });

const base = fc
  .record({
    own: fc.tuple(...ids.map((id) => identities.map((own) => ({ id, name: id, identities: own })))),
    bans: fc.array(ban(ids), { maxLength: 4 }),
    allow: fc.subarray([...ids, "finance/t"], { maxLength: 1 }),
    groups: fc.subarray(groupNames),
  })
  .map(({ own, bans, allow, groups }) => ({
    allow,
    tools: own,
    bans: bans.map((keys, i) => banText({ id: `ban-${i}`, ...keys })),
    exceptions: groups.map((group, i) => ({ ban: `ban-${i}`, group, until: day(5) })),
  }));

const group = (name: string) =>
  fc.record({ own: identities, bans: fc.array(ban([...ids, `${name}/t`]), { maxLength: 3 }) }).map(({ own, bans }) => ({
    tools: [{ ...toolText(`${name}/t`), identities: own }],
    bans: bans.map((keys, i) => banText({ id: `${name}/ban-${i}`, ...keys })),
  }));
const groups = fc
  .tuple(...groupNames.map((name) => maybe(group(name))))
  .map((all) => Object.fromEntries(groupNames.flatMap((name, i) => (all[i] === undefined ? [] : [[name, all[i]]]))));

const grants = fc.array(
  fc
    .record({
      ban: fc.constantFrom("ban-0", "ban-1", "ban-2", "finance/ban-0", "sales/ban-0"),
      device: fc.constantFrom(whom.hash, "2".repeat(64)),
      granted: fc.integer({ min: 1, max: 9 }),
      days: fc.integer({ min: 0, max: 6 }),
    })
    .map(({ granted, days, ...rest }) => ({ ...rest, granted: day(granted), until: day(granted + days) })),
  { maxLength: 4 },
);

const evidence = fc.oneof(
  seen.map((saw) => evidenceSchema.parse({ id: "e", kind: "exec", seen: saw })),
  fc
    .tuple(seen, seen)
    .map(([saw, by]) =>
      evidenceSchema.parse({ id: "e", kind: "exec", seen: saw, interpreter: by, script: { path: "s" } }),
    ),
);
const device = fc
  .record({
    id: fc.constant(whom.id),
    groups: fc.subarray(groupNames),
    claimed: fc.subarray(groupNames),
    installed: fc.subarray(ids),
    breakers: fc.subarray(["ban-0", "finance/ban-0"]),
    acknowledged: fc
      .subarray(["ban-1", "sales/ban-0"])
      .map((bans) => bans.map((one) => ({ ban: one, person: "", until: day(6) }))),
    enforcement: fc.constantFrom("policy", "policy", "observe"),
  })
  .map((keys) => deviceOf(deviceSchema.parse(keys)));
const at = fc
  .integer({ min: 0, max: 24 * 12 })
  .map((hours) => instantOf(parseInstant(day(1)) + (hours - 24) * 3_600_000));

const strictness = (policy: Policy, e: Evidence, when: ReturnType<typeof instantOf>, d: Device): number =>
  modes.indexOf(decide(compile(policy, catalogOf()), e, when, d).mode);
const policyFrom = (written: Written): Policy => merged(written).policy;

test("no group makes anything less strict than the base alone, for any evidence, device and moment", () => {
  fc.assert(
    fc.property(base, groups, evidence, device, at, (text, others, e, d, when) => {
      const alone = strictness(policyFrom({ base: text }), e, when, d);
      const together = strictness(policyFrom({ base: text, groups: others }), e, when, d);
      expect(together).toBeGreaterThanOrEqual(alone);
    }),
    { numRuns: 1500 },
  );
});

test("no group gives a running program more time, or a reader more, than the base alone", () => {
  fc.assert(
    fc.property(
      base,
      groups,
      evidence,
      at,
      fc.array(fc.constantFrom("PT0S", "PT1M", "P1D"), { minLength: 8, maxLength: 8 }),
      (text, others, e, when, graces) => {
        let next = 0;
        const timed = <T extends { readonly bans: readonly object[] }>(keys: T) => ({
          ...keys,
          bans: keys.bans.map((one) => ({
            ...one,
            running: { grace: graces[(next += 1) % 8] },
            strict: next % 2 === 0,
          })),
        });
        const withGraces = timed(text);
        const d = deviceOf(deviceSchema.parse({ id: whom.id, installed: ids }));
        const verdictOf = (written: Written) => decide(compile(policyFrom(written), catalogOf()), e, when, d);
        const alone = verdictOf({ base: withGraces });
        const together = verdictOf({
          base: withGraces,
          groups: Object.fromEntries(Object.entries(others).map(([name, keys]) => [name, timed(keys ?? { bans: [] })])),
        });
        if (!["warn", "block", "remove"].includes(alone.mode)) return;
        expect(together.notice?.grace).toBeLessThanOrEqual(alone.notice?.grace ?? 0);
        expect(Number(together.notice?.strict)).toBeGreaterThanOrEqual(Number(alone.notice?.strict));
      },
    ),
    { numRuns: 1500 },
  );
});

test("merged with nothing, the base is what it was", () => {
  fc.assert(
    fc.property(base, grants, (text, others) => {
      const { policy, conflicts } = merged(
        { base: text, grants: others.filter(({ device: d }) => d !== whom.hash) },
        nobody,
      );
      expect(policy).toEqual(policyFrom({ base: text }));
      expect(conflicts).toEqual([]);
    }),
  );
});
const nobody = { ...whom, groups: [], claimed: [] };

test("the order of the groups does not matter, and each adds the same whether or not another is there", () => {
  fc.assert(
    fc.property(base, groups, grants, (text, others, granted) => {
      const backwards = Object.fromEntries(Object.entries(others).toReversed());
      const one = merged({ base: text, groups: others, grants: granted });
      expect(merged({ base: text, groups: backwards, grants: granted })).toEqual(one);
      for (const [name, keys] of Object.entries(others))
        expect(policyFrom({ base: text, groups: { [name]: keys ?? {} } }).bans.filter((b) => b.group === name)).toEqual(
          one.policy.bans.filter((b) => b.group === name),
        );
    }),
  );
});

test('no exception loosens a ban that says "never", and none a ban for longer than it allows', () => {
  fc.assert(
    fc.property(base, groups, grants, evidence, device, at, (text, others, granted, e, d, when) => {
      const without = policyFrom({ base: text, groups: others });
      const policy = policyFrom({ base: text, groups: others, grants: granted });
      const holding = without.bans.filter(
        (one) =>
          !granted.some(({ ban: id, device: whose, granted: from, until }) => {
            if (id !== one.id || whose !== whom.hash || one.exceptions === "never") return false;
            const max = parseDuration(one.exceptions?.max ?? "P30D");
            const [begins, ends] = [parseInstant(from), Math.min(parseInstant(until), parseInstant(from) + max)];
            return begins - lead <= when && when < ends;
          }),
      );
      const rest = { ...without, bans: holding, allow: [...approvedBy(without)] };
      expect(strictness(policy, e, when, d)).toBeGreaterThanOrEqual(strictness(rest, e, when, d));
    }),
    { numRuns: 1500 },
  );
});

test("whatever the moments and durations are, there is a policy", () => {
  const instant = fc.integer({ min: -8.64e15, max: 8.64e15 }).map((ms) => formatInstant(instantOf(ms)));
  const duration = fc.constantFrom("PT0S", "PT0.0001S", "P1D", "P99999999D", "PT9007199254740991S");
  fc.assert(
    fc.property(instant, instant, duration, at, (granted, until, max, when) => {
      const { policy } = merged({
        base: { bans: [banText({ exceptions: { max } })], tools: [toolText("x")] },
        grants: [{ ban: "x", device: whom.hash, granted, until }],
      });
      const m = compile(policy, catalogOf());
      for (let next = m.nextChange(instantOf(-8.64e15)); next !== undefined;) next = m.nextChange(next);
      expect(
        strictness(
          policy,
          evidenceSchema.parse({ id: "e", kind: "exec", seen: {} }),
          when,
          deviceOf(deviceSchema.parse({})),
        ),
      ).toBe(0);
    }),
  );
});
