import { expect, test } from "vitest";
import { Asks } from "#agent/gate-asks.ts";

const owner = { say: "owner?", path: "L3g=", dev: "8:1", ino: "1" } as const;

test("an agent that let an ask pass is asked nothing more until it is heard", () => {
  const said: unknown[] = [];
  const asks = new Asks((ask) => said.push(ask));
  const first = asks.put(7, owner);
  expect(first.next()).toEqual({ done: false, value: "agent" });
  first.return(undefined); // its time is over
  expect(asks.put(8, { ...owner, ino: "2" }).next()).toEqual({ done: true, value: undefined });
  expect(said).toHaveLength(1);
  asks.heard();
  expect(asks.put(9, { ...owner, ino: "3" }).next()).toEqual({ done: false, value: "agent" });
  expect(said).toHaveLength(2);
});

test("who asks the same at the same time gets the one reply", () => {
  const said: { readonly ask: number }[] = [];
  const asks = new Asks((ask) => said.push(ask));
  const [one, two] = [asks.put(7, owner), asks.put(8, owner)];
  one.next();
  two.next();
  const reply = { say: "owner", ask: said[0]?.ask ?? 0 } as const;
  expect(asks.take(reply)).toEqual([7, 8]);
  expect([one.next().value, two.next().value]).toEqual([reply, reply]);
  expect(said).toHaveLength(1);
});
