import { expect, test } from "vitest";
import { createUserNames } from "#platform/linux/people.ts";

test("a local account is named without asking anybody, another by whoever knows it, once", async () => {
  const asked: number[] = [];
  const names = createUserNames((uid) => {
    asked.push(uid);
    return uid === 54_321 ? Promise.resolve("dana") : Promise.reject(new Error("no answer"));
  });
  expect([names.now(0), await names.find(0)]).toEqual(["root", "root"]);
  expect(names.now(54_321)).toBeUndefined();
  expect([await names.find(54_321), await names.find(54_321), names.now(54_321)]).toEqual(["dana", "dana", "dana"]);
  expect([await names.find(54_322), names.now(54_322)]).toEqual([undefined, undefined]);
  expect(asked).toEqual([54_321, 54_322]);
});
