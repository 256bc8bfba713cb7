import { describe, expect, test } from "vitest";
import { attacked, noticed } from "./attacked.ts";
import { attacks, slow } from "./table.ts";

describe("Slow retrieval attack", () => {
  const own = attacks.filter(({ name }) => name === slow);
  test.each(own.map((attack) => [attack.does, attack] as const))("%s", async (_does, attack) => {
    const { look, harmed } = await attacked(attack);
    expect(look).toMatch(noticed(attack));
    expect(harmed).toBe(false);
  });
});
