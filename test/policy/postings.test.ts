import { array, assert, boolean, constantFrom, nat, property, record, string } from "fast-check";
import { expect, test } from "vitest";
import { whole } from "#lib/pure/pieces.ts";
import { Claim } from "#policy/claim.ts";
import { Families } from "#policy/postings.ts";
import { toolSchema } from "#policy/tool.ts";

const tool = toolSchema.parse({ id: "tool", name: "Tool", identities: [] });
const claims = Array.from(
  { length: 4 },
  (_, i) => new Claim({ tool, approved: false, bans: [] }, { kind: "name", name: `${i}` }),
);

test("every claim is found by its family and its key, whether sealed, not yet, or added to afterwards", () => {
  const entry = record({
    family: constantFrom("npm", "pypi"),
    key: string({ maxLength: 3 }),
    claim: nat(claims.length - 1),
    seal: boolean(),
  });
  assert(
    property(array(entry, { maxLength: 20 }), array(string({ maxLength: 3 })), (entries, others) => {
      const families = new Families();
      const naive = new Map<string, Claim[]>();
      for (const { family, key, claim, seal } of entries) {
        const added = claims.slice(claim, claim + 1);
        for (const one of added) families.add(family, key, one);
        naive.set(`${family} ${key}`, [...(naive.get(`${family} ${key}`) ?? []), ...added]);
        if (seal) whole(families.seal());
      }
      for (const family of ["npm", "pypi", "cargo"])
        for (const key of [...entries.map((one) => one.key), ...others]) {
          const found: Claim[] = [];
          families.each(family, key, (claim) => found.push(claim));
          expect(found).toEqual(naive.get(`${family} ${key}`) ?? []);
        }
    }),
  );
});
