import type { InstallRoot, Person } from "#platform/platform.ts";

type Root = readonly [path: string, holds: InstallRoot["holds"], depth: number];

/** Everybody's. */
const shared: readonly Root[] = [
  ["/usr/lib/node_modules", "npm", 3],
  ["/usr/local/lib/node_modules", "npm", 3],
  ["/usr/local/bin", "bin", 1],
  ["/opt", "apps", 2],
  ["/var/lib/dpkg", "dpkg", 1],
  ["/usr/local/pipx/venvs", "python", 1],
  ["/opt/pipx/venvs", "python", 1],
  ["/usr/share/code/resources/app/extensions", "vscode", 1],
];

/** Under a home. Where each tool installs: npm-prefix(7), nvm's, Volta's, fnm's, Bun's, uv's, pipx's and the editors' documentation. */
const personal: readonly Root[] = [
  [".npm-global/lib/node_modules", "npm", 3],
  [".npm-packages/lib/node_modules", "npm", 3],
  [".local/lib/node_modules", "npm", 3],
  [".nvm/versions/node", "npm", 5],
  [".volta/tools/image/packages", "npm", 5],
  [".local/share/fnm/node-versions", "npm", 6],
  [".bun/install/global/node_modules", "npm", 3],
  [".local/share/pnpm/global", "npm", 5],
  [".npm/_npx", "npm", 4],
  [".local/bin", "bin", 1],
  ["bin", "bin", 1],
  [".cargo/bin", "bin", 1],
  [".local/share/claude/versions", "bin", 1],
  [".opencode/bin", "bin", 1],
  ["Applications", "apps", 1],
  [".local/share/pipx/venvs", "python", 1],
  [".local/pipx/venvs", "python", 1],
  [".local/share/uv/tools", "python", 1],
  [".vscode/extensions", "vscode", 1],
  [".vscode-server/extensions", "vscode", 1],
  [".vscode-insiders/extensions", "vscode", 1],
  [".vscode-oss/extensions", "vscode", 1],
  [".cursor/extensions", "vscode", 1],
  [".cursor-server/extensions", "vscode", 1],
  [".windsurf/extensions", "vscode", 1],
  [".qoder/extensions", "vscode", 1],
  [".trae/extensions", "vscode", 1],
];

function rootOf(base: string, owner: number, [path, holds, depth]: Root): InstallRoot {
  return { path: base === "" ? path : `${base}/${path}`, owner, holds, depth };
}

/** Where tools are installed. Homes that are no absolute path, or the root directory, are nobody's. */
export function installRoots(people: readonly Person[]): readonly InstallRoot[] {
  const homes = people.filter(({ home }) => home.startsWith("/") && home !== "/");
  return [
    ...shared.map((root) => rootOf("", 0, root)),
    ...homes.flatMap(({ home, uid }) => personal.map((root) => rootOf(home.replace(/\/{1,64}$/, ""), uid, root))),
  ];
}
