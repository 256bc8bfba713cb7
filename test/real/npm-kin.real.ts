import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audited, homeOf, known, run, saidOf, type Thing } from "./installers.ts";

const npm = (id: string, version: string): Thing => ({ kind: "package", ecosystem: "npm", id, version });
const [scoped, plain] = [npm("@charmland/crush", "0.96.1"), npm("opencode-ai", "1.2.3")];
const packages = [
  { name: scoped.id, version: scoped.version, command: "crush" },
  { name: plain.id, version: plain.version, command: "opencode" },
];

const tools = homeOf("tools");
const server = spawn(
  process.execPath,
  [fileURLToPath(new URL("registry.ts", import.meta.url)), homeOf("registry"), JSON.stringify(packages)],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
afterAll(() => server.kill());
let registry = "";

/** Installers as npm has them, each of one version. */
beforeAll(async () => {
  const [port] = await once(server.stdout, "data");
  registry = `http://127.0.0.1:${String(port).trim()}`;
  const wanted = ["bun@1.3.14", "yarn1@npm:yarn@1.22.22", "@yarnpkg/cli-dist@4.18.1", "pnpm@12.4.2", "deno@2.9.6"];
  const env = { ...process.env, npm_config_userconfig: join(homedir(), ".npmrc") };
  run(tools, ["/usr/bin/env", "npm", "install", "--ignore-scripts", "--loglevel=error", ...wanted], {
    env,
    network: true,
  });
});

const node = process.execPath;
const at = (path: string): string => join(tools, "node_modules", path);
const bun = [at(`@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : process.arch}/bin/bun`)];
const deno = [at(`@deno/linux-${process.arch}-glibc/deno`)];
const pnpm = [node, at("pnpm/bin/pnpm.mjs")];
const yarn1 = [node, at("yarn1/bin/yarn.js"), "--no-progress"];
const yarn4 = [node, at("@yarnpkg/cli-dist/bin/yarn.js")];
const npm11 = ["/usr/bin/env", "npm"];
const both = [scoped.id, plain.id];
const project = "work/app";

/** Each installs both packages in a home, or runs them once; `program` is the script of the scoped one. */
interface Layout {
  readonly by: string;
  readonly commands: (home: string) => readonly (readonly string[])[];
  readonly program?: string;
}

const inProject = "work/app/node_modules/@charmland/crush/cli.js";
const layouts: readonly Layout[] = [
  { by: "npm", commands: () => [[...npm11, "install", ...both]], program: inProject },
  {
    by: "npm, linked,",
    commands: () => [[...npm11, "install", "--install-strategy=linked", ...both]],
    program: inProject,
  },
  {
    by: "npm --global",
    commands: (home) => [[...npm11, "install", "--global", "--prefix", join(home, ".npm-global"), ...both]],
    program: ".npm-global/bin/crush",
  },
  {
    by: "npx",
    commands: () => [[...npm11, "exec", "--yes", ...both.map((id) => `--package=${id}`), "--", "true"]],
    program: ".npm/_npx/*/node_modules/.bin/crush",
  },
  { by: "pnpm", commands: () => [[...pnpm, "add", ...both]], program: inProject },
  {
    by: "pnpm --global",
    commands: () => [[...pnpm, "add", "--global", ...both]],
    program: ".local/share/pnpm/global/v11/*/node_modules/@charmland/crush/cli.js",
  },
  {
    by: "pnpm dlx",
    commands: () => both.map((id) => [...pnpm, "dlx", id]),
    program: ".cache/pnpm/dlx/*/pkg/node_modules/@charmland/crush/cli.js",
  },
  { by: "Yarn 1", commands: () => [[...yarn1, "add", ...both]], program: inProject },
  {
    by: "Yarn 1 global",
    commands: (home) => [
      [
        ...yarn1,
        "global",
        "add",
        "--global-folder",
        join(home, ".config/yarn/global"),
        "--prefix",
        join(home, ".local"),
        ...both,
      ],
    ],
    program: ".local/bin/crush",
  },
  {
    by: "Yarn 4 (node-modules)",
    commands: () => [
      [...yarn4, "config", "set", "nodeLinker", "node-modules"],
      [...yarn4, "add", ...both],
    ],
    program: inProject,
  },
  {
    by: "Yarn 4 (pnpm)",
    commands: () => [
      [...yarn4, "config", "set", "nodeLinker", "pnpm"],
      [...yarn4, "add", ...both],
    ],
    program: inProject,
  },
  {
    by: "Yarn 4 (PnP)",
    commands: () => [
      [...yarn4, "config", "set", "nodeLinker", "pnp"],
      [...yarn4, "add", ...both],
    ],
  },
  { by: "Bun", commands: () => [[...bun, "add", ...both]], program: inProject },
  { by: "Bun, isolated,", commands: () => [[...bun, "add", "--linker", "isolated", ...both]], program: inProject },
  { by: "Deno", commands: () => [[...deno, "add", ...both.map((id) => `npm:${id}`)]], program: inProject },
  {
    by: "Deno --global",
    commands: () => both.map((id) => [...deno, "install", "--global", "--allow-all", `npm:${id}`]),
    program: ".deno/bin/.crush/node_modules/@charmland/crush/cli.js",
  },
  {
    by: "deno run",
    commands: (home) => [
      ["/bin/rm", join(home, project, "package.json")],
      ...both.map((id) => [...deno, "run", "--allow-all", `npm:${id}`]),
    ],
    program: ".cache/deno/npm/*/@charmland/crush/*/cli.js",
  },
  { by: "Bun --global", commands: () => [[...bun, "add", "--global", ...both]], program: ".bun/bin/crush" },
];

/** The first path that a pattern leads to, links followed. */
function first(home: string, pattern: string): string {
  return realpathSync(join(home, globSync(pattern, { cwd: home })[0] ?? pattern));
}

function environment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: `${dirname(node)}:${join(home, ".local/share/pnpm/bin")}:${join(home, ".local/share/pnpm")}:/usr/local/bin:/usr/bin:/bin`,
    PNPM_HOME: join(home, ".local/share/pnpm"),
    TMPDIR: join(home, "tmp"),
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
    YARN_ENABLE_TELEMETRY: "0",
    YARN_CACHE_FOLDER: join(home, ".cache/yarn"), // Yarn 1 has root's in /usr/local/share
    CI: "",
  };
}

function lay(home: string, commands: readonly (readonly string[])[]): void {
  const cwd = join(home, project);
  for (const folder of [cwd, join(home, "tmp")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(home, ".npmrc"), `registry=${registry}/\n`);
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ name: "app", private: true }));
  writeFileSync(join(cwd, "yarn.lock"), "");
  for (const command of commands) run(home, command, { cwd, env: environment(home), network: true });
}

test.each(layouts)(
  "what $by installs is found, with its version, and its script is its",
  async ({ by, commands, program }) => {
    const home = homeOf(by);
    lay(home, commands(home));
    expect(await saidOf(scoped, home, program && first(home, program))).toEqual(known(scoped, program !== undefined));
    expect(await saidOf(plain, home)).toEqual(known(plain, false));
  },
);

test("what bunx runs lies in the temporary folder, and is known there", async () => {
  const home = homeOf("bunx");
  lay(
    home,
    both.map((id) => [...bun, "x", id]),
  );
  for (const thing of [scoped, plain])
    expect(await audited(thing, join(home, "tmp"))).toEqual([`proof ${thing.version}`]);
});

const called = ({ id, version }: Thing) => ({ x: `npm:${id}@${version}` });

/** A project that calls one package x, and a workspace of it that calls the other one so: x lies in both. */
function layWorkspace(home: string, commands: readonly (readonly string[])[]): void {
  const member = join(home, project, "packages/a");
  mkdirSync(member, { recursive: true });
  const root = { name: "app", private: true, workspaces: ["packages/*"], dependencies: called(plain) };
  lay(home, []);
  writeFileSync(join(home, project, "package.json"), JSON.stringify(root));
  writeFileSync(
    join(member, "package.json"),
    JSON.stringify({ name: "a", version: "1.0.0", dependencies: called(scoped) }),
  );
  for (const command of commands)
    run(home, command, { cwd: join(home, project), env: environment(home), network: true });
}

const inMember = "work/app/packages/a/node_modules/x/cli.js";

test.each([
  { by: "npm", commands: () => [[...npm11, "install"]] },
  { by: "Yarn 1", commands: () => [[...yarn1, "install"]] },
  {
    by: "Yarn 4 (node-modules)",
    commands: () => [
      [...yarn4, "config", "set", "nodeLinker", "node-modules"],
      [...yarn4, "install"],
    ],
  },
  { by: "Bun", commands: () => [[...bun, "install", "--linker", "hoisted"]] },
])("what $by installs under another name is found, in a project and in a workspace of it", async ({ by, commands }) => {
  const home = homeOf(`workspace-${by}`);
  layWorkspace(home, commands());
  expect(await saidOf(scoped, home, first(home, inMember))).toEqual(known(scoped));
  expect(await saidOf(plain, home, first(home, "work/app/node_modules/x/cli.js"))).toEqual(known(plain));
});

test("what npm --global installs under another name is found by the commands that it links", async () => {
  const home = homeOf("global-names");
  const names = ["x", "@notes/y"].map((name, i) => `${name}@npm:${both[i]}`);
  lay(home, [[...npm11, "install", "--global", "--prefix", join(home, ".npm-global"), ...names]]);
  expect(await saidOf(scoped, home, first(home, ".npm-global/bin/crush"))).toEqual(known(scoped));
  expect(await saidOf(plain, home, first(home, ".npm-global/lib/node_modules/@notes/y/cli.js"))).toEqual(known(plain));
});
