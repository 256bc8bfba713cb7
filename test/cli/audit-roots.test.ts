import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unlisted } from "#cli/audit-roots.ts";
import { installRoots } from "#platform/linux/install-roots.ts";
import { folder, write } from "../observe/place.ts";

const on = (...remote: readonly string[]) => ({
  installRoots: (people: Parameters<typeof installRoots>[0]) => installRoots(people, remote),
});

test("homes that no list of people has are found where homes lie, as whose they are", async () => {
  const home = folder();
  for (const name of ["ann", "ghost", "lost+found"]) mkdirSync(join(home, name));
  write(join(home, "notes"), "");
  symlinkSync("ghost", join(home, "link"));
  const ann = { name: "ann", uid: 1000, gid: 1000, home: `${home}/ann/` };
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  expect(await unlisted(home, [ann], on())).toEqual({
    people: [{ name: String(uid), uid, gid, home: join(home, "ghost") }],
    closed: [],
  });
  expect(await unlisted(join(home, "nowhere"), [ann], on())).toEqual({ people: [], closed: [] });
});

test("homes of another machine are named, and not entered", async () => {
  const home = folder();
  for (const name of ["here", "far"]) mkdirSync(join(home, name));
  const why = "another machine has it: it is looked through there";
  const some = await unlisted(home, [], on(join(home, "far")));
  expect([some.people.map((one) => one.home), some.closed]).toEqual([
    [join(home, "here")],
    [{ path: join(home, "far"), why }],
  ]);
  expect(await unlisted(home, [], on(home))).toEqual({ people: [], closed: [{ path: home, why }] });
});
