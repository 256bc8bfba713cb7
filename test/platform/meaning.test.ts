import { describe, expect, test } from "vitest";
import type { Capability } from "#platform/capabilities.ts";
import { linesOf, meaningOf, type LineName } from "#platform/meaning.ts";
import { everything } from "../fakes/platform.ts";

const up: Capability = { up: true };
const standing = { gate: up, stream: up, sweep: up, seeEveryone: up, sweepSeconds: 5 };

/** Lines that are down, each with the reason of its name. */
function means(...names: readonly (LineName | "seeEveryone")[]): Record<LineName, string> {
  const down = Object.fromEntries(names.map((name) => [name, { up: false, why: `no ${name}` }]));
  const { gate, stream, sweep } = linesOf({ ...standing, ...down });
  return { gate: gate.means, stream: stream.means, sweep: sweep.means };
}

describe("what the lines of defence mean, for the person who reads", () => {
  const often = "everything that runs is looked at every 5 s";
  const missed = "what was running before, or was missed when it started, is not found";
  const unseen = "what the gate cannot see, such as a program in memory, runs";

  test.each<readonly [down: readonly LineName[], gate: string, stream: string, sweep: string]>([
    [[], "a banned program does not begin to run", `${unseen} until the exec stream sees it, some milliseconds`, often],
    [["stream"], "a banned program does not begin to run", `${unseen} until a sweep sees it, up to 5 s`, often],
    [["stream", "sweep"], "a banned program does not begin to run", `${unseen}, and nobody notices`, missed],
    [
      ["gate"],
      "a banned program runs until the exec stream sees it, some milliseconds",
      "every start is noticed as it happens",
      often,
    ],
    [
      ["gate", "stream"],
      "a banned program runs until a sweep sees it, up to 5 s",
      "a program that ends between two sweeps is not noticed",
      often,
    ],
    [["gate", "stream", "sweep"], "a banned program runs, and nobody notices", "no start is noticed", missed],
  ])("with these down: %j", (down, gate, stream, sweep) => {
    expect(means(...down)).toEqual({ gate, stream, sweep });
  });

  test("programs of others that are not seen are not passed over in silence", () => {
    expect(means("seeEveryone").sweep).toContain("programs of others are not seen");
    expect(means().sweep).not.toContain("others");
  });

  test.each([
    [undefined, null, "a banned program does not begin to run", null],
    [{ version: 3, behind: undefined }, 3, "a banned program does not begin to run", null],
    [
      { version: 3, behind: "it was not ready in time" },
      3,
      "what policy version 3 bans does not begin to run; what only a newer one bans runs until the exec stream sees it, some milliseconds",
      "the gate of the policy in force does not serve yet: it was not ready in time",
    ],
  ])("of a gate that answers by %j", (answering, policy, meaning, why) => {
    expect(linesOf({ ...standing, answering }).gate).toEqual({ up: true, policy, means: meaning, why });
    const down = { up: false, why: "it died" } as const;
    expect(linesOf({ ...standing, gate: down, answering }).gate).toMatchObject({ policy: null, why: "it died" });
  });

  test("a line says why it is down, and nothing of the kind while it is up", () => {
    const { gate, stream } = linesOf({ ...standing, gate: { up: false, why: "not root" } });
    expect(gate).toMatchObject({ up: false, why: "not root" });
    expect(stream).toMatchObject({ up: true, why: null });
  });
});

test("every capability says what it is for: the lines together, each other one by itself", () => {
  const unsaid = Object.keys(everything).filter((name) => meaningOf(name) === undefined);
  expect(unsaid).toEqual(["gate", "stream"]);
});
