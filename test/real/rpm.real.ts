import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { audited, homeOf, needs, run, where, type Thing } from "./installers.ts";

const cursor: Thing = { kind: "package", ecosystem: "rpm", id: "cursor", version: "1.7.2-1" };
const programs = ["/usr/bin/rpm", "/usr/bin/rpmbuild", "/usr/bin/bwrap"];

const spec = `Name: cursor
Version: 1.7.2
Release: 1
Summary: A test
License: MIT
%description
A test.
%install
mkdir -p %{buildroot}/opt/cursor
echo '#!/bin/sh' > %{buildroot}/opt/cursor/cursor
chmod 755 %{buildroot}/opt/cursor/cursor
%files
/opt/cursor/cursor
`;

/** The package's file. */
function built(home: string): string {
  const top = join(home, "top");
  writeFileSync(join(home, "cursor.spec"), spec);
  run(home, ["/usr/bin/rpmbuild", "--define", `_topdir ${top}`, "-bb", "cursor.spec"]);
  const [name = ""] = readdirSync(top, { recursive: true, encoding: "utf8" }).filter((one) => one.endsWith(".rpm"));
  return join(top, name);
}

/** Where rpm keeps its database: in most distributions, and in Debian for root. */
const databases = [
  { dbpath: "/var/lib/rpm", above: "/var/lib" },
  { dbpath: "/root/.rpmdb", above: "/root" },
] as const;

test.for(databases)(
  "what rpm installs with its database in $dbpath is its, while it is installed",
  async ({ dbpath, above }, context) => {
    needs(context, ["rpm", "bubblewrap"], programs);
    const home = homeOf(`rpm-${dbpath.replaceAll("/", "-")}`);
    const [database, opt] = [join(home, "database"), join(home, "opt")];
    for (const folder of [database, opt]) mkdirSync(folder);
    const here = where({ "/opt": opt, [dbpath]: database }, [above]);
    const rpm = [...here, "/usr/bin/rpm", "--dbpath", dbpath];
    run(home, [...rpm, "--install", "--nodeps", built(home)]);
    expect(await audited(cursor, "/opt", here)).toEqual(["proof 1.7.2-1"]);
    run(home, [...rpm, "--erase", "--justdb", "cursor"]);
    expect(await audited(cursor, "/opt", here)).toEqual([]);
  },
);

/** Prints which package manager a file belongs to, as whoever puts it aside asks. */
const asks = `
const { packageManagerOf } = await import(process.argv[1]);
for (const path of process.argv.slice(2)) console.log((await packageManagerOf([path])) ?? "nobody");`;

test("what rpm installed is rpm's to remove, and what it did not is not", async (context) => {
  needs(context, ["rpm", "bubblewrap"], programs);
  const home = homeOf("rpm-owner");
  const [database, opt] = [join(home, "database"), join(home, "opt")];
  for (const folder of [database, opt]) mkdirSync(folder);
  const here = where({ "/opt": opt, "/root/.rpmdb": database }, ["/root"]);
  const env = { HOME: "/root" };
  run(home, [...here, "/usr/bin/rpm", "--install", "--nodeps", built(home)], { env });
  writeFileSync(join(opt, "other"), "");
  const owner = fileURLToPath(new URL("../../src/platform/linux/package-owner.ts", import.meta.url));
  const node = [...here, process.execPath, "--input-type=module", "--eval", asks, owner];
  expect(run(home, [...node, "/opt/cursor/cursor", "/opt/other"], { env })).toBe("rpm\nnobody\n");
});
