import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
    const [database, opt, top] = [join(home, "database"), join(home, "opt"), join(home, "top")];
    for (const folder of [database, opt]) mkdirSync(folder);
    writeFileSync(join(home, "cursor.spec"), spec);
    run(home, ["/usr/bin/rpmbuild", "--define", `_topdir ${top}`, "-bb", "cursor.spec"]);
    const built = readdirSync(top, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(".rpm")) ?? "";
    const here = where({ "/opt": opt, [dbpath]: database }, [above]);
    const rpm = [...here, "/usr/bin/rpm", "--dbpath", dbpath];
    run(home, [...rpm, "--install", "--nodeps", join(top, built)]);
    expect(await audited(cursor, "/opt", here)).toEqual(["proof 1.7.2-1"]);
    run(home, [...rpm, "--erase", "--justdb", "cursor"]);
    expect(await audited(cursor, "/opt", here)).toEqual([]);
  },
);
