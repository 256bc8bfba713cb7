import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lay, lookAt, lookThrough, ownersOf } from "./layout.ts";
import { folder } from "./place.ts";

const manifest = (name: string, version = "1.6.0"): string => JSON.stringify({ name, version, bin: "cli.js" });
const said = ["npm cowsay 1.6.0", "npm y18n 4.0.3"];
const script = "#!/usr/bin/env node\n";

/** Each as the tool itself lays it: npm 11, pnpm 12, Yarn 1.22, Bun 1.3. `at` is the script that is run. */
const layouts: readonly {
  readonly by: string;
  readonly root: readonly [path: string, holds: "npm" | "units" | "home" | "apps", depth: number];
  readonly at: string;
  readonly files: Parameters<typeof lay>[1];
}[] = [
  {
    by: "npm, for everybody and under a prefix",
    root: ["lib/node_modules", "npm", 3],
    at: "lib/node_modules/cowsay/cli.js",
    files: {
      "lib/node_modules/cowsay/package.json": manifest("cowsay"),
      "lib/node_modules/cowsay/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      "bin/cowsay": { link: "../lib/node_modules/cowsay/cli.js" },
    },
  },
  {
    by: "npx",
    root: [".npm/_npx", "npm", 4],
    at: ".npm/_npx/ca5a7826f0bb9617/node_modules/cowsay/cli.js",
    files: {
      ".npm/_npx/ca5a7826f0bb9617/package-lock.json": "{}",
      ".npm/_npx/ca5a7826f0bb9617/node_modules/cowsay/package.json": manifest("cowsay"),
      ".npm/_npx/ca5a7826f0bb9617/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      ".npm/_npx/ca5a7826f0bb9617/node_modules/.bin/cowsay": { link: "../cowsay/cli.js" },
    },
  },
  {
    by: "npm, linked",
    root: ["work", "home", 6],
    at: "work/app/node_modules/.store/cowsay@1.6.0-evsvTIR-3m2eO38hOR2s6w/node_modules/cowsay/cli.js",
    files: {
      "work/app/node_modules/.store/cowsay@1.6.0-evsvTIR-3m2eO38hOR2s6w/node_modules/cowsay/package.json":
        manifest("cowsay"),
      "work/app/node_modules/.store/y18n@4.0.3-1/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      "work/app/node_modules/cowsay": { link: ".store/cowsay@1.6.0-evsvTIR-3m2eO38hOR2s6w/node_modules/cowsay" },
    },
  },
  {
    by: "Yarn 4, linked as pnpm does",
    root: ["work", "home", 6],
    at: "work/app/node_modules/.store/cowsay-npm-1.6.0-4991c1c046/package/cli.js",
    files: {
      "work/app/node_modules/.store/cowsay-npm-1.6.0-4991c1c046/package/package.json": manifest("cowsay"),
      "work/app/node_modules/.store/cowsay-npm-1.6.0-4991c1c046/node_modules/cowsay": { link: "../package" },
      "work/app/node_modules/.store/y18n-virtual-0a1b2c3d4e/package/package.json": manifest("y18n", "4.0.3"),
      "work/app/node_modules/.store/other-npm-4.0.3-0a1b2c3d4e/package/package.json": manifest("y18n", "4.0.3"),
      "work/app/node_modules/cowsay": { link: ".store/cowsay-npm-1.6.0-4991c1c046/package" },
    },
  },
  {
    by: "pnpm, in a project",
    root: ["work", "home", 6],
    at: "work/app/node_modules/.pnpm/cowsay@1.6.0/node_modules/cowsay/cli.js",
    files: {
      "work/app/node_modules/.pnpm/cowsay@1.6.0/node_modules/cowsay/package.json": manifest("cowsay"),
      "work/app/node_modules/.pnpm/cowsay@1.6.0/node_modules/y18n": { link: "../../y18n@4.0.3/node_modules/y18n" },
      "work/app/node_modules/.pnpm/y18n@4.0.3/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      "work/app/node_modules/.pnpm/lock.yaml": "",
      "work/app/node_modules/cowsay": { link: ".pnpm/cowsay@1.6.0/node_modules/cowsay" },
    },
  },
  {
    by: "pnpm, for everybody's use, with its store's links",
    root: [".local/share/pnpm/store/v11/links", "units", 4],
    at: ".local/share/pnpm/store/v11/links/@/cowsay/1.6.0/6c0c81f0e0e5/node_modules/cowsay/cli.js",
    files: {
      ".local/share/pnpm/store/v11/links/@/cowsay/1.6.0/6c0c81f0e0e5/node_modules/cowsay/package.json":
        manifest("cowsay"),
      ".local/share/pnpm/store/v11/links/@/y18n/4.0.3/b8e9caab40f5/node_modules/y18n/package.json": manifest(
        "y18n",
        "4.0.3",
      ),
      ".local/share/pnpm/global/v11/185c/node_modules/cowsay": {
        link: "../../../../store/v11/links/@/cowsay/1.6.0/6c0c81f0e0e5/node_modules/cowsay",
      },
    },
  },
  {
    by: "pnpm dlx",
    root: [".cache/pnpm/dlx", "units", 2],
    at: ".cache/pnpm/dlx/dd1f/mww-51v/node_modules/.pnpm/cowsay@1.6.0/node_modules/cowsay/cli.js",
    files: {
      ".cache/pnpm/dlx/dd1f/mww-51v/node_modules/.pnpm/cowsay@1.6.0/node_modules/cowsay/package.json":
        manifest("cowsay"),
      ".cache/pnpm/dlx/dd1f/mww-52a/node_modules/.pacquet/y18n@4.0.3/node_modules/y18n/package.json": manifest(
        "y18n",
        "4.0.3",
      ),
      ".cache/pnpm/dlx/dd1f/pkg": { link: "mww-51v" },
    },
  },
  {
    by: "Yarn 1, for a person's use",
    root: [".config/yarn/global/node_modules", "npm", 3],
    at: ".config/yarn/global/node_modules/cowsay/cli.js",
    files: {
      ".config/yarn/global/node_modules/cowsay/package.json": manifest("cowsay"),
      ".config/yarn/global/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
    },
  },
  {
    by: "Yarn, unplugged",
    root: ["work", "home", 6],
    at: "work/app/.yarn/unplugged/cowsay-npm-1.6.0-4991c1c046/node_modules/cowsay/cli.js",
    files: {
      "work/app/.yarn/unplugged/cowsay-npm-1.6.0-4991c1c046/node_modules/cowsay/package.json": manifest("cowsay"),
      "work/app/.yarn/unplugged/y18n-npm-4.0.3-1/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
    },
  },
  {
    by: "Bun, with isolated packages",
    root: ["work", "home", 6],
    at: "work/app/node_modules/.bun/cowsay@1.6.0/node_modules/cowsay/cli.js",
    files: {
      "work/app/node_modules/.bun/cowsay@1.6.0/node_modules/cowsay/package.json": manifest("cowsay"),
      "work/app/node_modules/.bun/y18n@4.0.3/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      "work/app/node_modules/cowsay": { link: ".bun/cowsay@1.6.0/node_modules/cowsay" },
    },
  },
  {
    by: "Deno, for a person's use",
    root: [".deno/bin", "apps", 2],
    at: ".deno/bin/.cowsay/node_modules/.deno/cowsay@1.6.0/node_modules/cowsay/cli.js",
    files: {
      ".deno/bin/cowsay": "#!/bin/sh\n",
      ".deno/bin/.cowsay/node_modules/.deno/cowsay@1.6.0/node_modules/cowsay/package.json": manifest("cowsay"),
      ".deno/bin/.cowsay/node_modules/.deno/y18n@4.0.3/node_modules/y18n/package.json": manifest("y18n", "4.0.3"),
      ".deno/bin/.cowsay/node_modules/cowsay": { link: ".deno/cowsay@1.6.0/node_modules/cowsay" },
    },
  },
  {
    by: "Deno, in its cache",
    root: [".cache/deno/npm", "units", 4],
    at: ".cache/deno/npm/registry.npmjs.org/cowsay/1.6.0/cli.js",
    files: {
      ".cache/deno/npm/registry.npmjs.org/cowsay/1.6.0/package.json": manifest("cowsay"),
      ".cache/deno/npm/registry.npmjs.org/cowsay/registry.json": "{}",
      ".cache/deno/npm/registry.npmjs.org/cowsay/1.5.0/package.json": manifest("cowsay"),
      ".cache/deno/npm/registry.npmjs.org/y18n/4.0.3/package.json": manifest("y18n", "4.0.3"),
      ".cache/deno/npm/registry.npmjs.org/other/4.0.3/package.json": manifest("y18n", "4.0.3"),
    },
  },
  {
    by: "Bun, in its cache",
    root: [".bun/install/cache", "units", 2],
    at: ".bun/install/cache/cowsay@1.6.0@@@1/cli.js",
    files: {
      ".bun/install/cache/cowsay@1.6.0@@@1/package.json": manifest("cowsay"),
      ".bun/install/cache/cowsay/1.6.0@@@1": { link: "../cowsay@1.6.0@@@1" },
      ".bun/install/cache/11a2e1aa83860bd7.npm": "",
      ".bun/install/cache/y18n@4.0.3@@@1/package.json": manifest("y18n", "4.0.3"),
    },
  },
];

test.each(layouts)("what is installed by $by is found, once, and its script is its", async ({ root, at, files }) => {
  const home = folder();
  lay(home, { ...files, [at]: script });
  const [path, holds, depth] = root;
  const looked = await lookThrough([join(home, path), holds, depth]);
  expect(looked.said).toEqual(said);
  expect(looked.unreadable.count).toBe(0);
  expect(await ownersOf(join(home, at))).toEqual(["npm cowsay 1.6.0"]);
});

test("a scoped package of Bun's cache is its own, and a folder there that says another name is nobody's", async () => {
  const cache = join(folder(), ".bun/install/cache");
  lay(cache, {
    "@example/tool@2.0.0@@@1/package.json": manifest("@example/tool", "2.0.0"),
    "other@2.0.0@@@1/package.json": manifest("@example/tool", "2.0.0"),
    "y18n@4.0.3@@@1/package.json": manifest("y18n", "5.0.0"),
  });
  expect((await lookThrough([cache, "units", 2])).said).toEqual(["npm @example/tool 2.0.0"]);
});

test("a file that a package's folder shares with a store by a hard link is the package's under the package's name", async () => {
  const home = folder();
  const store = join(home, "store/v11/files/00/abcdef-exec");
  lay(home, { "store/v11/files/00/abcdef-exec": script, "node_modules/cowsay/package.json": manifest("cowsay") });
  linkSync(store, join(home, "node_modules/cowsay/cli.js"));
  expect(await ownersOf(join(home, "node_modules/cowsay/cli.js"))).toEqual(["npm cowsay 1.6.0"]);
  expect(await ownersOf(store)).toEqual([]);
});

test("hidden folders of a home are not taken for projects, those that packages lie in are", async () => {
  const home = folder();
  lay(home, {
    ".hidden/app/node_modules/cowsay/package.json": manifest("cowsay"),
    "app/.venv/lib/python3.12/site-packages/aider_chat-0.86.1.dist-info/METADATA":
      "Name: aider-chat\nVersion: 0.86.1\n",
    "a/b/c/d/e/f/node_modules/cowsay/package.json": manifest("cowsay", "1.0.0"),
    "a/b/c/d/e/f/g/node_modules/cowsay/package.json": manifest("cowsay", "2.0.0"),
  });
  mkdirSync(join(home, "apart/node_modules/y18n"), { recursive: true });
  lay(home, { "apart/node_modules/y18n/package.json": manifest("y18n", "4.0.3") });
  const looked = await lookThrough([home, "home", 6], [join(home, "apart"), "npm", 3]);
  expect(looked.said).toEqual(["npm cowsay 1.0.0", "npm y18n 4.0.3", "pypi aider-chat 0.86.1"]);
});

test("a folder that another machine has is named and not entered", async () => {
  const home = folder();
  lay(home, { "nas/node_modules/cowsay/package.json": manifest("cowsay") });
  const root = { path: home, owner: 0, holds: "home", depth: 6 } as const;
  const nas = join(home, "nas");
  const looked = await lookAt([{ ...root, without: [nas] }]);
  expect(looked.said).toEqual([]);
  expect(looked.unreadable).toMatchObject({ count: 1, named: [{ path: nas }] });
  expect((await lookAt([{ ...root, without: [home] }])).unreadable.named).toMatchObject([{ path: home }]);
});

test("a scoped package of Deno's cache is found", async () => {
  const cache = join(folder(), "deno/npm");
  lay(cache, { "registry.npmjs.org/@example/tool/2.0.0/package.json": manifest("@example/tool", "2.0.0") });
  expect((await lookThrough([cache, "units", 4])).said).toEqual(["npm @example/tool 2.0.0"]);
  const entry = join(cache, "registry.npmjs.org/@example/tool/2.0.0/cli.js");
  lay("/", { [entry.slice(1)]: "1" });
  expect(await ownersOf(entry)).toEqual(["npm @example/tool 2.0.0"]);
});

test("scoped packages that npm or Yarn has linked are found, each once", async () => {
  const store = join(folder(), "app/node_modules/.store");
  lay(store, {
    "@example/tool@2.0.0-evsvTIR-3m2eO38hOR2s6w/node_modules/@example/tool/package.json": manifest("@example/tool"),
    "@example-other-npm-1.6.0-0a1b2c3d4e/package/package.json": manifest("@example/other"),
    "@example-third-npm-1.5.0-0a1b2c3d4e/package/package.json": manifest("@example/third"),
  });
  const looked = await lookThrough([join(store, "../.."), "home", 6]);
  expect(looked.said).toEqual(["npm @example/other 1.6.0", "npm @example/tool 1.6.0"]);
});
