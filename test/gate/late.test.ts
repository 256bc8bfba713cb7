import { describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { GatePlace, run, until } from "./place.ts";

/** Where a package could own a file, so that the gate asks the agent; which is no parent of what this starts. */
const file = "node_modules/banned-tool/program";
const started = (path: string): ReturnType<typeof run> => run("/bin/sh", "-c", '"$0"; exit $?', path);
/** The shell's word for a program that it may not run. */
const refused = 126;

describe.skipIf(lacking("root"))("an agent that does not answer the gate", () => {
  test.each([
    ["lets a person's program run, as the default is", false, 1000, 0],
    ["lets it run, where it is root's, also when the machine fails closed", true, 0, 0],
    ["has a person's program denied when the machine fails closed", true, 1000, refused],
  ])("%s", async (_, failClosed, owner, ended) => {
    const owners: number[] = [];
    const silent = (): Promise<never> => new Promise(() => void owners.push(1));
    const place = await GatePlace.open({ failClosed, hears: { owner: silent } });
    try {
      expect(await started(place.add(file, { owner }))).toBe(ended);
      await until(() => place.late.length > 0); // it is told, so that the agent looks at what runs
      expect(place.late).toEqual([expect.stringMatching(/banned-tool\/program$/)]);
      expect(owners).toEqual([1]);
      expect(await run(place.add("else", { owner }))).toBe(0);
    } finally {
      await place.close();
    }
  });
});
