import type { InstallRoot, Person } from "#platform/platform.ts";

type Root = readonly [path: string, holds: InstallRoot["holds"], depth: number];

/** Everybody's. */
const shared: readonly Root[] = [
  ["/usr/lib/node_modules", "npm", 3],
  ["/usr/local/lib/node_modules", "npm", 3],
  ["/usr/local/share/.config/yarn/global/node_modules", "npm", 3],
  ["/usr/local/bin", "bin", 1],
  ["/opt", "apps", 2],
  ["/var/lib/dpkg", "packages", 1],
  ["/usr/lib/sysimage/rpm", "packages", 1],
  ["/var/lib/rpm", "packages", 1],
  ["/usr/share/rpm", "packages", 1],
  ["/root/.rpmdb", "packages", 1],
  ["/lib/apk/db", "packages", 1],
  ["/usr/lib/apk/db", "packages", 1],
  ["/var/lib/pacman/local", "packages", 0],
  ["/usr/local/pipx/venvs", "python", 1],
  ["/opt/pipx/venvs", "python", 1],
  ["/usr/local/lib", "units", 1],
  ["/opt/conda", "units", 4],
  ["/home/linuxbrew/.linuxbrew/Cellar", "units", 2],
  ["/home/linuxbrew/.linuxbrew/Caskroom", "units", 2],
  ["/snap", "units", 2],
  ["/var/lib/snapd/snap", "units", 2],
  ["/var/lib/flatpak/app", "units", 4],
  ["/nix/store", "units", 1],
];

/** Under a home. Where each tool installs: npm-prefix(7), nvm's, Volta's, fnm's, pnpm's, Yarn's, Bun's, uv's and pipx's documentation. */
const personal: readonly Root[] = [
  [".npm-global/lib/node_modules", "npm", 3],
  [".npm-packages/lib/node_modules", "npm", 3],
  [".local/lib/node_modules", "npm", 3],
  [".nvm/versions/node", "npm", 5],
  [".volta/tools/image/packages", "npm", 5],
  [".local/share/fnm/node-versions", "npm", 6],
  [".config/yarn/global/node_modules", "npm", 3],
  [".bun/install/global/node_modules", "npm", 3],
  [".local/share/pnpm/global", "npm", 5],
  [".npm/_npx", "npm", 4],
  [".local/bin", "bin", 1],
  ["bin", "bin", 1],
  [".cargo/bin", "bin", 1],
  ["go/bin", "bin", 1],
  [".local/share/claude/versions", "bin", 1],
  [".opencode/bin", "bin", 1],
  [".deno/bin", "apps", 2],
  ["Applications", "apps", 1],
  ["Downloads", "bin", 1],
  [".local/share/pipx/venvs", "python", 1],
  [".local/pipx/venvs", "python", 1],
  [".local/share/uv/tools", "python", 1],
  [".linuxbrew/Cellar", "units", 2],
  [".local/share/flatpak/app", "units", 4],
];

/** Looked through and not watched: caches that what they hold is run from, and folders that hold much else. */
const lookedThrough: readonly Root[] = [
  [".local/share/pnpm/store/v10/links", "units", 4],
  [".local/share/pnpm/store/v11/links", "units", 4],
  [".cache/pnpm/dlx", "units", 2],
  [".cache/yarn", "units", 2],
  [".yarn/berry", "units", 0],
  [".bun/install/cache", "units", 2],
  [".cache/deno/npm", "units", 4],
  [".cache/uv/archive-v0", "units", 3],
  [".cache/uv/environments-v2", "units", 3],
  [".local/share/uv/python", "units", 3],
  [".local/share/pipx/.cache", "units", 3],
  [".local/pipx/.cache", "units", 3],
  [".local/lib", "units", 1],
  [".pyenv/versions", "units", 4],
  [".conda/envs", "units", 4],
  [".local/share/mamba/envs", "units", 4],
  [".local/share/JetBrains", "units", 0],
  [".local/share/Google", "units", 0],
  [".local/share/nix/root/nix/store", "units", 1],
  [".claude/local", "units", 1],
  [".qwen/updates", "units", 5],
];

/** Where prefixes of Wine lie, and how many folders below (a prefix of Lutris lies in no hidden folder). */
const prefixes: readonly (readonly [path: string, depth: number])[] = [
  [".wine", 0],
  [".local/share/wineprefixes", 1],
  [".local/share/bottles/bottles", 1],
  [".var/app/com.usebottles.bottles/data/bottles/bottles", 1],
  [".PlayOnLinux/wineprefix", 1],
  [".cxoffice", 1],
  [".local/share/Steam/steamapps/compatdata", 2],
];

/** Editors of VS Code's family and their servers keep what a person adds in <folder>/extensions. */
const editors: readonly string[] = [
  ".vscode",
  ".vscode-insiders",
  ".vscode-oss",
  ".vscode-server",
  ".vscode-server-insiders",
  ".vscodium-server",
  ".cursor",
  ".cursor-server",
  ".windsurf",
  ".windsurf-next",
  ".windsurf-server",
  ".devin",
  ".devin-server",
  ".qoder",
  ".qoder-server",
  ".qoder-cn",
  ".trae",
  ".trae-cn",
  ".trae-server",
  ".kiro",
  ".kiro-server",
  ".antigravity",
  ".antigravity-server",
  ".positron",
  ".local/share/code-server",
];

/** Where packages put such editors: <folder>/resources/app/extensions has what they are shipped with. */
const shipped: readonly string[] = [
  "code",
  "code-insiders",
  "codium",
  "cursor",
  "windsurf",
  "devin-desktop",
  "qoder",
  "qoder-ide",
  "trae",
  "kiro",
  "antigravity",
];

/** What browsers of Chromium's family keep of a person: <folder>/<profile>/Extensions. */
const browsers: readonly string[] = [
  ".config/google-chrome",
  ".config/google-chrome-beta",
  ".config/google-chrome-unstable",
  ".config/chromium",
  ".config/microsoft-edge",
  ".config/microsoft-edge-beta",
  ".config/microsoft-edge-dev",
  ".config/vivaldi",
  ".config/BraveSoftware/Brave-Browser",
  ".config/opera",
  "snap/chromium/common/chromium",
  ".var/app/com.google.Chrome/config/google-chrome",
  ".var/app/org.chromium.Chromium/config/chromium",
  ".var/app/com.microsoft.Edge/config/microsoft-edge",
  ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser",
];

/** What Firefox and its kin keep of a person: <folder>/<profile>/extensions.json. */
const foxes: readonly string[] = [
  ".mozilla/firefox",
  ".config/mozilla/firefox",
  "snap/firefox/common/.mozilla/firefox",
  ".var/app/org.mozilla.firefox/.mozilla/firefox",
  ".librewolf",
  ".waterfox",
  ".zen",
];

const everybodys: readonly Root[] = [
  ...shared,
  ...shipped.map((name): Root => [`/usr/share/${name}/resources/app/extensions`, "units", 1]),
];

const ofHome: readonly Root[] = [
  ...personal,
  ...lookedThrough,
  ...prefixes.map(([path, depth]): Root => [path, "units", depth]),
  ...editors.map((folder): Root => [`${folder}/extensions`, "units", 1]),
  ...[...browsers, ...foxes].map((folder): Root => [folder, "units", 1]),
];

/** Folders of a home that people work in: seven deep lies ~/work/customer/repository/packages/name/node_modules. */
const projects = 6;

/** Of mount points those that a folder lies on, as itself, and those that lie in it. */
function within(folder: string, mounts: readonly string[]): readonly string[] {
  if (mounts.some((mount) => folder === mount || folder.startsWith(`${mount}/`))) return [folder];
  return mounts.filter((mount) => mount.startsWith(`${folder}/`));
}

/**
 * Where tools are installed. Homes that are no absolute path, or the root directory, are nobody's. `remote`: mount points of what
 * other machines have.
 */
export function installRoots(people: readonly Person[], remote: readonly string[] = []): readonly InstallRoot[] {
  return [
    ...everybodys.map(([path, holds, depth]): InstallRoot => ({ path, owner: 0, holds, depth })),
    ...people.flatMap(({ home, uid: owner }): readonly InstallRoot[] => {
      const base = home.replace(/\/{1,64}$/, "");
      if (!base.startsWith("/")) return [];
      return [
        ...ofHome.map(([path, holds, depth]): InstallRoot => ({ path: `${base}/${path}`, owner, holds, depth })),
        { path: base, owner, holds: "home", depth: projects, without: within(base, remote) },
      ];
    }),
  ];
}
