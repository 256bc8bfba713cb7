import { expect, test } from "vitest";
import { canonicalJson } from "#trust/canonical.ts";
import { parseTargets } from "#trust/metadata.ts";
import { simulated } from "./simulated.ts";
import { signedFile } from "./simulator.ts";

// Metadata as large as it may be: nothing is quadratic.

test("300,000 targets are read and verified in one breath: nothing is quadratic", async () => {
  const names = Array.from({ length: 300_000 }, (_, i) => [`t/${i}`, { length: 1, hashes: { sha256: "00" } }]);
  const content = { _type: "targets", spec_version: "1.0.31", version: 1, expires: "2027-01-01T00:00:00Z" };
  const bytes = await signedFile({ ...content, targets: Object.fromEntries(names) }, []);
  const { targets, signed } = parseTargets(bytes);
  expect([targets.size, canonicalJson(signed).length > 10_000_000]).toEqual([300_000, true]);
});

test("100,000 delegations are searched through", async () => {
  const { sim, look } = await simulated();
  const role = sim.delegate("targets", "A", { paths: ["wanted"] });
  role.targets.set("wanted", Buffer.from("x"));
  const many = Array.from({ length: 100_000 }, (_, i) => ({ name: `r${i}`, covered: { paths: [`groups/${i}/*`] } }));
  sim.targets.bend = (content) => {
    const old = content["delegations"] as { keys: object; roles: readonly object[] };
    const more = many.map(({ name, covered }) => ({ ...old.roles[0], name, ...covered }));
    return { ...content, delegations: { ...old, roles: [...more, ...old.roles] } };
  };
  expect(await (await look()).find("wanted")).toMatchObject({ role: "A" });
});
