import { expect, test } from "vitest";
import { Asks } from "#agent/gate-asks.ts";
import type { FromGate } from "#protocol/gate.ts";

const about = (ino: string) => ({ say: "owner?", path: "L2Jpbi90cnVl", dev: "8:1", ino }) as const;
const reply = (ask: number) => ({ say: "owner", ask }) as const;

function asks() {
  const said: FromGate[] = [];
  const made = new Asks((ask) => said.push(ask));
  return { said, made };
}

test("however many wait for the owner of one file, the agent is asked once and all have its reply", () => {
  const { said, made } = asks();
  const waiting = [7, 8, 9].map((fd) => made.put(fd, about("1")));
  for (const one of waiting) expect(one.next()).toEqual({ done: false, value: "agent" });
  expect(said).toEqual([{ ...about("1"), ask: 1 }]);
  expect(made.take(reply(1))).toEqual([7, 8, 9]);
  for (const one of waiting) expect(one.next()).toEqual({ done: true, value: reply(1) });
});

test("another file, and the same file once it was answered, are asked about anew", () => {
  const { said, made } = asks();
  made.put(7, about("1")).next();
  made.put(8, about("2")).next();
  expect(made.take(reply(1))).toEqual([7]);
  made.put(9, about("1")).next();
  expect(said.map((ask) => "ask" in ask && ask.ask)).toEqual([1, 2, 3]);
});

test("a reply that nobody waits for any more wakes nobody, and is no answer to who asks later", () => {
  const { said, made } = asks();
  const [one, other] = [made.put(7, about("1")), made.put(8, about("1"))];
  one.next();
  other.next();
  one.return({ say: "owner", ask: 0 });
  expect(made.take(reply(2))).toEqual([]);
  other.return({ say: "owner", ask: 0 });
  expect(made.take(reply(1))).toEqual([]);
  const later = made.put(7, about("1"));
  later.next();
  expect(made.take(reply(1))).toEqual([]);
  expect(later.next()).toEqual({ done: false, value: "agent" });
  expect(said).toHaveLength(2);
});
