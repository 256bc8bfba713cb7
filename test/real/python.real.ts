import { writeFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, needs, run, saidOf, type Thing } from "./installers.ts";

const aider: Thing = { kind: "package", ecosystem: "pypi", id: "aider-chat", version: "0.86.1" };
const python = "/usr/bin/python3";
const debs = ["python3-pip", "python3-venv", "python3-wheel", "python3-setuptools"];
const alone = ["--no-index", "--no-deps", "--disable-pip-version-check"];
const pip = [python, "-m", "pip", "install", ...alone, "--break-system-packages", "--ignore-installed", "--quiet"];
const nothingOfOurs = { PIP_CONFIG_FILE: "/dev/null", PIP_NO_INDEX: "1", PIP_ROOT_USER_ACTION: "ignore" };

/** The source of a distribution with one console script. */
function source(home: string): string {
  const folder = join(home, "source");
  mkdirSync(join(folder, "aider"), { recursive: true });
  writeFileSync(join(folder, "aider/__init__.py"), "");
  writeFileSync(join(folder, "aider/main.py"), "def main():\n    print('0.86.1')\n");
  const project = [
    "[build-system]",
    'requires = ["setuptools"]',
    'build-backend = "setuptools.build_meta"',
    "[project]",
    'name = "aider-chat"',
    'version = "0.86.1"',
    "[project.scripts]",
    'aider = "aider.main:main"',
  ];
  writeFileSync(join(folder, "pyproject.toml"), project.join("\n"));
  return folder;
}

/** A wheel, built from it without an index. */
function wheel(): string {
  const home = homeOf("wheel");
  const build = [python, "-m", "pip", "wheel", ...alone, "--no-build-isolation", "--quiet", "--wheel-dir", "dist"];
  run(home, [...build, source(home)], { env: nothingOfOurs });
  return join(home, "dist", readdirSync(join(home, "dist"))[0] ?? "");
}

/** Each lays it in a home; `program` is the console script. */
const layouts: readonly {
  readonly by: string;
  readonly program: string;
  readonly lay: (home: string, wheel: string) => readonly (readonly string[])[];
}[] = [
  {
    by: "pip in a virtual environment",
    program: "work/.venv/bin/aider",
    lay: (home, file) => [
      [python, "-m", "venv", join(home, "work/.venv")],
      [join(home, "work/.venv/bin/python"), "-m", "pip", "install", ...alone, "--quiet", file],
    ],
  },
  { by: "pip --user", program: ".local/bin/aider", lay: (_, file) => [[...pip, "--user", file]] },
  {
    by: "pip --target",
    program: "work/tools/bin/aider",
    lay: (home, file) => [[...pip, "--target", join(home, "work/tools"), file]],
  },
  {
    by: "pip --prefix, for which Debian's has folders of its own",
    program: "work/prefix/local/bin/aider",
    lay: (home, file) => [[...pip, "--prefix", join(home, "work/prefix"), file]],
  },
  {
    by: "pip --editable",
    program: "work/.venv/bin/aider",
    lay: (home) => [
      [python, "-m", "venv", "--system-site-packages", join(home, "work/.venv")],
      [
        join(home, "work/.venv/bin/python"),
        "-m",
        "pip",
        "install",
        ...alone,
        "--no-build-isolation",
        "--quiet",
        "--editable",
        source(home),
      ],
    ],
  },
];

test.for(layouts)(
  "what $by installs is found, with its version, and its script is its",
  async ({ by, program, lay }, context) => {
    needs(context, debs, [python]);
    const home = homeOf(by);
    for (const command of lay(home, wheel())) run(home, command, { env: nothingOfOurs });
    expect(await saidOf(aider, home, join(home, program))).toEqual(known(aider));
  },
);

test("what pipx installs is found, with its version, and its script is its", async (context) => {
  needs(context, [...debs, "pipx"], ["/usr/bin/pipx"]);
  const home = homeOf("pipx");
  run(home, ["/usr/bin/pipx", "install", `--pip-args=${alone.join(" ")}`, wheel()], { env: nothingOfOurs });
  expect(await saidOf(aider, home, join(home, ".local/bin/aider"))).toEqual(known(aider));
});

test("what pip has uninstalled is found no longer", async (context) => {
  needs(context, debs, [python]);
  const home = homeOf("uninstalled");
  run(home, [...pip, "--user", wheel()], { env: nothingOfOurs });
  run(home, [python, "-m", "pip", "uninstall", "--yes", "--break-system-packages", "aider-chat"], {
    env: nothingOfOurs,
  });
  expect(await audited(aider, home)).toEqual([]);
});

test("what PyPy's environments have is found, and their scripts are theirs", async (context) => {
  needs(context, [...debs, "pypy3", "pypy3-venv"], ["/usr/bin/pypy3"]);
  const home = homeOf("pypy");
  run(home, ["/usr/bin/pypy3", "-m", "venv", join(home, "work/.venv")]);
  run(home, [join(home, "work/.venv/bin/pypy3"), "-m", "pip", "install", ...alone, "--quiet", wheel()], {
    env: nothingOfOurs,
  });
  expect(await saidOf(aider, home, join(home, "work/.venv/bin/aider"))).toEqual(known(aider));
});
