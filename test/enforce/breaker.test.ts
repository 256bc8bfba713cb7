import { expect, test } from "vitest";
import { Breaker } from "#enforce/breaker.ts";
import { instantOf } from "#lib/pure/instant.ts";
import type { Evidence } from "#policy/evidence.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

const limits = { programs: 3, window: 60_000 };

function machine(): { breaker: Breaker; wait: (ms: number) => void } {
  let now = 0;
  const breaker = new Breaker({ now: () => instantOf(now) }, limits);
  return { breaker, wait: (ms) => (now += ms) };
}
const rootFile = (ino: number): Evidence =>
  evidenceOf("exec", { file: { path: `/usr/bin/p${ino}`, dev: "8:1", ino: String(ino), owner: 0 } });
function annsFile(ino: number, id?: string): Evidence {
  const { seen } = evidenceOf();
  return evidenceOf("exec", {
    file: { path: `/home/ann/p${ino}`, dev: "8:1", ino: String(ino), owner: 1000 },
    ...(id !== undefined && { seen: { ...seen, package: { value: [{ ecosystem: "npm", id }] } } }),
  });
}

test("a ban that stops too many of root's programs is opened, and no other ban", () => {
  const { breaker } = machine();
  expect([1, 2, 3].map((n) => breaker.count(verdictOf(), rootFile(n)))).toEqual([false, false, true]);
  expect([...breaker.open()]).toEqual(["claude-code"]);
});

test("one program that is started again and again is one program", () => {
  const { breaker } = machine();
  for (let i = 0; i < 100; i += 1) expect(breaker.count(verdictOf(), rootFile(1))).toBe(false);
});

test("a hundred copies of one tool in a home do not open the ban", () => {
  const { breaker } = machine();
  for (let n = 0; n < 100; n += 1) breaker.count(verdictOf(), annsFile(n));
  for (let n = 0; n < 100; n += 1) breaker.count(verdictOf(), annsFile(n, "@anthropic-ai/claude-code"));
  expect(breaker.open().size).toBe(0);
});

test("different packages in a home do open it", () => {
  const { breaker } = machine();
  for (const id of ["a", "b", "c"]) breaker.count(verdictOf(), annsFile(1, id));
  expect(breaker.open().size).toBe(1);
});

test("what lies outside the window is not counted", () => {
  const { breaker, wait } = machine();
  for (let n = 0; n < 10; n += 1) {
    breaker.count(verdictOf(), rootFile(n));
    wait(30_000);
  }
  expect(breaker.open().size).toBe(0);
});

test("it stays open, however long, until the next policy", () => {
  const { breaker, wait } = machine();
  for (const n of [1, 2, 3]) breaker.count(verdictOf(), rootFile(n));
  wait(86_400_000);
  expect(breaker.open().size).toBe(1);
  breaker.reset(limits);
  expect(breaker.open().size).toBe(0);
});

test("what is only observed or told is not counted", () => {
  const { breaker } = machine();
  for (const n of [1, 2, 3]) breaker.count(verdictOf({ mode: "notify" }), rootFile(n));
  expect(breaker.open().size).toBe(0);
});
