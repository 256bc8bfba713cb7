import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { entryFiles } from "#observe/entry-files.ts";
import { nothingRead } from "#observe/seen.ts";
import { folder, write } from "./place.ts";

const python = "/usr/bin/python3";

test.skipIf(!existsSync(python))(
  "a Python tool is entered by its scripts, the modules they load, and what was compiled of those",
  async () => {
    const root = folder();
    const site = join(root, "lib/python3.11/site-packages");
    const info = join(site, "parrot-1.0.0.dist-info");
    for (const name of ["__init__", "__main__", "main", "other"]) write(join(site, `parrot/${name}.py`), "x = 1\n");
    const script = write(join(root, "bin/parrot"), "#!/usr/bin/python3\n", 0o755);
    write(join(info, "METADATA"), "Metadata-Version: 2.1\nName: parrot\nVersion: 1.0.0\n");
    write(
      join(info, "entry_points.txt"),
      "[console_scripts]\nparrot = parrot.main:main\n\n[other]\nx = parrot.other:y\n",
    );
    const modules = ["__init__", "__main__", "main", "other"].map((name) => `parrot/${name}.py,,\n`).join("");
    write(join(info, "RECORD"), `${modules}../../../bin/parrot,,\n`);
    execFileSync(python, ["-m", "compileall", "-q", join(site, "parrot")]);
    const seen = { ...nothingRead("a test's"), package: { value: [{ ecosystem: "pypi" as const, id: "parrot" }] } };
    const found = await entryFiles({ id: "e", kind: "installed", file: { path: info }, seen });
    const compiled = readdirSync(join(site, "parrot/__pycache__")).filter((name) => /^(?:__main__|main)\./.test(name));
    expect(compiled).toHaveLength(2);
    const expected = [
      script,
      ...["__main__.py", "main.py", ...compiled.map((name) => `__pycache__/${name}`)].map((name) =>
        join(site, "parrot", name),
      ),
    ];
    expect(found.map(({ path }) => path).toSorted()).toEqual(expected.toSorted());
  },
);

test.each([
  ["pip", "../../bin/parrot,,\n"],
  ["uv", "bin/parrot,,\n"],
])("a Python tool that %s --target laid in a folder of any name is entered by its scripts there", async (_, record) => {
  const tools = folder();
  const info = join(tools, "parrot-1.0.0.dist-info");
  const script = write(join(tools, "bin/parrot"), "#!/usr/bin/python3\n", 0o755);
  write(join(info, "METADATA"), "Metadata-Version: 2.1\nName: parrot\nVersion: 1.0.0\n");
  write(join(info, "RECORD"), record);
  const seen = { ...nothingRead("a test's"), package: { value: [{ ecosystem: "pypi" as const, id: "parrot" }] } };
  const found = await entryFiles({ id: "e", kind: "installed", file: { path: info }, seen });
  expect(found.map(({ path }) => path)).toEqual([script]);
});
