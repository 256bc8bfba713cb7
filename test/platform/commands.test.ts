import { expect, test } from "vitest";
import { run, startSelf } from "#platform/commands.ts";
import { version } from "#lib/version.ts";
import { lacking } from "../needs.ts";

async function listen(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test("a command gets no shell, a clean environment, and gives its code", async () => {
  process.env["EDICT_TEST_SECRET"] = "x";
  const { code, stdout } = await run("/usr/bin/env", []);
  delete process.env["EDICT_TEST_SECRET"];
  expect(code).toBe(0);
  expect(stdout.toString().split("\n").toSorted()).toEqual([
    "",
    "LC_ALL=C.UTF-8",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  ]);
  expect((await run("/bin/echo", ["$(id) ; *"])).stdout.toString()).toBe("$(id) ; *\n");
  expect((await run("/bin/false", [])).code).toBe(1);
});

test("a command is named by its absolute path", () => {
  expect(() => run("env", [])).toThrow(/absolute/);
});

test("a command that is missing, slow or says too much is an error that names it", async () => {
  await expect(run("/usr/bin/no-such-program", [])).rejects.toMatchObject({ code: "gone" });
  await expect(run("/bin/sleep", ["1000"], { deadline: 50 })).rejects.toMatchObject({ code: "limit" });
  await expect(run("/usr/bin/yes", [], { limit: 10_000 })).rejects.toMatchObject({ code: "limit" });
});

test("a helper of our own says its lines, whenever they are asked for, and ends", async () => {
  const helper = startSelf(["--version"]);
  await helper.ended;
  helper.send("too late"); // nobody hears it, and nothing breaks
  expect(await listen(helper.lines())).toEqual([version]);
});

test.skipIf(lacking("root"))("a helper that cannot be started ends, and says nothing", async () => {
  // Under a folder that nobody else may enter, our own program cannot be read by another user; elsewhere it runs.
  const helper = startSelf(["--version"], { as: { uid: 424_242, gid: 424_242 } });
  const lines = await listen(helper.lines());
  await helper.ended;
  expect([[], [version]]).toContainEqual(lines);
});
