import { expect, test } from "vitest";
import { about, TrustError } from "#trust/error.ts";

function thrown(error: unknown): unknown {
  try {
    return about("snapshot", () => {
      throw error;
    });
  } catch (caught) {
    return caught;
  }
}

test("an error says what it is about, what was seen and what was wanted, and why", () => {
  const cause = new Error("ENOSPC");
  const error = new TrustError("ROLLBACK", "it went back", { file: "timestamp", seen: 1, wanted: 2, cause });
  expect([error.name, error.code, error.message]).toEqual(["TrustError", "ROLLBACK", "it went back"]);
  expect([error.file, error.seen, error.wanted, error.cause]).toEqual(["timestamp", 1, 2, cause]);
});

test("an error that names no file is about the role that was read", () => {
  const cause = new SyntaxError("at 1");
  const named = thrown(new TrustError("LIMIT", "too many keys", { cause }));
  expect(named).toBeInstanceOf(TrustError);
  expect(named).toMatchObject({ code: "LIMIT", message: "snapshot.json: too many keys", file: "snapshot", cause });
});

test.each([
  ["names its file", new TrustError("FORMAT", "bad", { file: "root" })],
  ["is none of ours", new RangeError("bad")],
])("an error that %s stays what it is", (_what, error) => {
  expect(thrown(error)).toBe(error);
});

test("what was read without an error is given back", () => {
  expect(about("snapshot", () => 7)).toBe(7);
});
