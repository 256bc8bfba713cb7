import { relative } from "node:path";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folder } from "../observe/place.ts";
import { audit, catalog } from "./look.ts";
import { recordings, replay, type Recording } from "./recording.ts";

function isKnown({ tool }: Recording): boolean {
  const known = catalog.tools.some(({ id }) => id === tool);
  if (!known) console.warn(`skipped: the catalog has no ${tool}`);
  return known;
}

describe.each(recordings())("$npm $version as it was recorded", (recording) => {
  test.skipIf(!isKnown(recording)).each(recording.layouts)(
    "is known in the layout $layout as the real one was, and as nothing else that is proven",
    async ({ entries, says }) => {
      const home = join(folder(), "base");
      replay(entries, home);
      const findings = await audit(home);
      const own = findings.filter(({ tool }) => tool === recording.tool);
      const first = own.find(({ grade }) => grade === "proof") ?? own[0];
      const said =
        first === undefined ? null : { grade: first.grade, version: first.version, where: relative(home, first.where) };
      expect(said).toEqual(says);
    },
  );
});

test("at least sixteen tools were recorded, in five layouts each", () => {
  const all = recordings();
  expect(all.length).toBeGreaterThanOrEqual(16);
  expect(all.filter(({ layouts }) => layouts.length !== 5)).toEqual([]);
});
