import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mayBeOwned } from "#observe/at-gate.ts";
import { Footing } from "#observe/footing.ts";
import { Owners } from "#observe/owners/owners.ts";
import { readUnit } from "#observe/owners/units.ts";
import { places, placesBelow, unitOf } from "#observe/places.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { folderAt, stampAt } from "#observe/read-file.ts";
import { lay, lookThrough, ownersOf } from "./layout.ts";
import { folder, wanting } from "./place.ts";

/** What Homebrew 4.4 writes beside a keg or a cask, as far as anybody looks. */
const receipt = (tap: string | null): string =>
  JSON.stringify({
    homebrew_version: "4.4.20",
    built_as_bottle: true,
    installed_on_request: true,
    source: { path: "/opt/homebrew/Library/Taps/x.rb", tap, spec: "stable", versions: { stable: "1.2.3" } },
  });

describe("Homebrew", () => {
  const files = {
    "Cellar/gemini-cli/0.9.0/INSTALL_RECEIPT.json": receipt("homebrew/core"),
    "Cellar/gemini-cli/0.9.0/libexec/bin/gemini": "1",
    "Cellar/crush/0.8.1/INSTALL_RECEIPT.json": receipt("charmbracelet/tap"),
    "Cellar/crush/0.8.1/bin/crush": "1",
    "Cellar/own/1.0/INSTALL_RECEIPT.json": receipt(null),
    "Cellar/own/1.0/bin/own": "1",
    "Caskroom/claude-code/.metadata/INSTALL_RECEIPT.json": receipt("homebrew/cask"),
    "Caskroom/claude-code/2.1.0/claude": "1",
    "bin/gemini": { link: "../Cellar/gemini-cli/0.9.0/libexec/bin/gemini" },
  };

  test("has kegs and casks under any prefix; what another tap calls the same is another thing", async () => {
    const prefix = join(folder(), "linuxbrew");
    lay(prefix, files);
    const looked = await lookThrough([join(prefix, "Cellar"), "units", 2], [join(prefix, "Caskroom"), "units", 2]);
    const said = ["brew charmbracelet/tap/crush 0.8.1", "brew gemini-cli 0.9.0", "cask claude-code 2.1.0"];
    expect(looked.said).toEqual(said);
    expect((await lookThrough([prefix, "apps", 3])).said).toEqual(expect.arrayContaining(said));
    expect(await ownersOf(join(prefix, "bin/gemini"))).toEqual(["brew gemini-cli 0.9.0"]);
    expect(await ownersOf(join(prefix, "Caskroom/claude-code/2.1.0/claude"))).toEqual(["cask claude-code 2.1.0"]);
  });

  test("did not install what a person made from a file of their own", async () => {
    const prefix = folder();
    lay(prefix, files);
    expect(await ownersOf(join(prefix, "Cellar/own/1.0/bin/own"))).toEqual([]);
  });
});

const extension = (publisher: string, name: string, version: string): string =>
  JSON.stringify({ publisher, name, version, engines: { vscode: "^1.90.0" } });

describe("editors of VS Code's family", () => {
  test("have a person's extensions, and those that they are shipped with", async () => {
    const home = folder();
    lay(home, {
      ".cursor/extensions/extensions.json": "[]",
      ".cursor/extensions/.obsolete": "{}",
      ".cursor/extensions/saoudrizwan.claude-dev-3.20.0/package.json": extension("saoudrizwan", "claude-dev", "3.20.0"),
      ".cursor/extensions/github.copilot-1.300.0-linux-x64/package.json": extension("GitHub", "copilot", "1.300.0"),
      ".cursor/extensions/.0a1b-c2d3.x/package.json": extension("half", "installed", "1.0.0"),
      "code/resources/app/extensions/copilot/package.json": extension("GitHub", "copilot-chat", "0.40.0"),
      "code/resources/app/extensions/copilot/dist/extension.js": "1",
    });
    const looked = await lookThrough([join(home, ".cursor/extensions"), "units", 1], [join(home, "code"), "units", 3]);
    expect(looked.said).toEqual([
      "vscode github.copilot 1.300.0",
      "vscode github.copilot-chat 0.40.0",
      "vscode saoudrizwan.claude-dev 3.20.0",
    ]);
    expect(await ownersOf(join(home, "code/resources/app/extensions/copilot/dist/extension.js"))).toEqual([
      "vscode github.copilot-chat 0.40.0",
    ]);
  });
});

const manifest = (more: object): string => JSON.stringify({ manifest_version: 3, version: "1.0.4", ...more });

describe("browsers of Chromium's family", () => {
  const key = Buffer.from("a public key, as far as this is concerned");
  const half = createHash("sha256").update(key).digest().subarray(0, 16);
  const id = [...half].map((byte) => String.fromCodePoint(97 + (byte >> 4), 97 + (byte & 15))).join("");
  const other = "fcoeoabgfenejglbffodgkkbkcdhcgfn";

  test("have extensions in each profile; an id that is not its key's is nobody's", async () => {
    const home = folder();
    lay(home, {
      [`google-chrome/Default/Extensions/${id}/1.0.4_0/manifest.json`]: manifest({ key: key.toString("base64") }),
      [`google-chrome/Profile 2/Extensions/${other}/1.0.4_0/manifest.json`]: manifest({}),
      [`google-chrome/Profile 3/Extensions/${other}/1.0.4_0/manifest.json`]: manifest({ key: key.toString("base64") }),
      [`google-chrome/Profile 3/Extensions/${other}/1.0.3_0/manifest.json`]: manifest({}),
      "google-chrome/Default/Extensions/Temp/scoped_dir1/manifest.json": manifest({}),
      [`microsoft-edge/Default/Extensions/${other}/1.0.4_0/manifest.json`]: manifest({
        update_url: "https://edge.microsoft.com/extensionwebstorebase/v1/crx",
      }),
    });
    const chrome = await lookThrough([join(home, "google-chrome"), "units", 1]);
    expect(chrome.said).toEqual([`chrome ${id} 1.0.4`, `chrome ${other} 1.0.4`].toSorted());
    expect((await lookThrough([join(home, "microsoft-edge"), "units", 1])).said).toEqual([`edge ${other} 1.0.4`]);
  });
});

describe("Flatpak", () => {
  const commit = "a0".repeat(32);
  const files = {
    [`app/dev.zed.Zed/x86_64/stable/${commit}/metadata`]:
      "[Application]\nname=dev.zed.Zed\nruntime=org.freedesktop.Platform/x86_64/24.08\n\n[Context]\nname=no\n",
    [`app/dev.zed.Zed/x86_64/stable/${commit}/files/bin/zed`]: "1",
    [`app/dev.zed.Zed/x86_64/stable/${commit}/files/share/metainfo/dev.zed.Zed.metainfo.xml`]:
      '<component>\n<releases>\n<release version="0.180.2" date="2026-01-01"/>\n<release version="0.1"/></releases></component>',
    "app/dev.zed.Zed/x86_64/stable/active": { link: commit },
    "app/dev.zed.Zed/current": { link: "x86_64/stable" },
    [`app/org.old.App/x86_64/stable/${commit}/metadata`]: "[Application]\nname=org.old.App\n",
    [`app/org.old.App/x86_64/stable/${commit}/files/share/appdata/org.old.App.appdata.xml`]:
      "<component><releases><release version='0.9'/></releases></component>",
    [`app/org.other.App/x86_64/stable/${commit}/metadata`]: "[Application]\nname=dev.zed.Zed\n",
    [`runtime/org.freedesktop.Platform/x86_64/24.08/${commit}/metadata`]: "[Runtime]\nname=org.freedesktop.Platform\n",
  };

  test("has applications by id, each once, and owns their files", async () => {
    const root = join(folder(), "flatpak");
    lay(root, files);
    const looked = await lookThrough([join(root, "app"), "units", 4]);
    expect(looked.said).toEqual(["flatpak dev.zed.Zed 0.180.2", "flatpak org.old.App 0.9"]);
    expect(await ownersOf(join(root, "app/dev.zed.Zed/current/active/files/bin/zed"))).toEqual([
      "flatpak dev.zed.Zed 0.180.2",
    ]);
  });
});

/** Places that only root has, at the beginning of a path: read where a test can lay them. */
async function readAt(path: string, real: string) {
  const [raw, there] = [rawFromText(path), rawFromText(real)];
  if (raw === undefined || there === undefined) throw new Error("no path");
  const units = places.map((place) => unitOf(place, raw)).filter((unit) => unit !== undefined);
  const owner = (await folderAt(there))?.owner ?? -1;
  return Promise.all(units.map((unit) => readUnit({ ...unit, folder: there }, owner, new Footing())));
}

describe("snapd", () => {
  test.each([
    ["name: code\nversion: 0a1b2c3d\nsummary: x\n", "0a1b2c3d"],
    ["summary: name: other\nversion: '1.99'\nname: code\napps:\n  x:\n    name: no\n", "1.99"],
    ['name: code\nversion: "2.0" \n', "2.0"],
    [`---\n"name": code # x\n'version': '3.0' # y\n`, "3.0"],
    ["name: other\nversion: 1\nversion: 1.10\nname: code\n", "1.10"],
    ['{"name": "code", "version": "1.0"}', undefined],
    ["", undefined],
  ])("has a snap by what its snap.yaml says: %j", async (yaml, version) => {
    const real = folder();
    lay(real, { "meta/snap.yaml": yaml });
    const says = [{ package: { ecosystem: "snap", id: "code", version } }];
    expect(await readAt("/snap/code/179/usr/share/code/code", real)).toEqual(says);
    expect(await readAt("/var/lib/snapd/snap/code_two/x1", real)).toEqual(says);
    expect(await readAt("/snap/Code/179", real)).toEqual([undefined]);
    expect(await readAt("/snap/code/current", real)).toEqual([]);
    expect(await readAt("/home/ann/snap/code/179", real)).toEqual([]);
  });

  test("has none where a snap.yaml plainly names another one", async () => {
    const real = folder();
    lay(real, { "meta/snap.yaml": "name: code\nversion: 1.0\n" });
    expect(await readAt("/snap/other/179", real)).toEqual([undefined]);
  });
});

describe("Nix", () => {
  const hash = "s66mzxpvicwk07gjbjfw9izjfa797vsw";

  test.each([
    ["claude-code-2.1.0", "claude-code", "2.1.0"],
    ["gemini-cli-0.9.0-bin", "gemini-cli", "0.9.0-bin"],
    ["qoder-cli", "qoder-cli", undefined],
  ])("names a package in its store: %s", async (entry, id, version) => {
    const says = [{ package: { ecosystem: "nix", id, ...(version !== undefined && { version }) } }];
    expect(await readAt(`/nix/store/${hash}-${entry}/bin/x`, folder())).toEqual(says);
  });

  test("has stores in other folders too", async () => {
    const store = join(folder(), "root/nix/store");
    lay(store, { [`${hash}-gemini-cli-0.9.0/bin/gemini`]: "1", [`${hash}-gemini-cli-0.9.0.drv`]: "1" });
    expect((await lookThrough([store, "units", 1])).said).toEqual(["nix gemini-cli 0.9.0"]);
    expect(await ownersOf(join(store, `${hash}-gemini-cli-0.9.0/bin/gemini`))).toEqual(["nix gemini-cli 0.9.0"]);
  });

  test("also has what packages are made from, which is none", async () => {
    for (const entry of ["claude-code-2.1.0-npm-deps", "goose-cli-1.0-vendor"])
      expect(await readAt(`/nix/store/${hash}-${entry}`, folder())).toEqual([undefined]);
    expect(await readAt(`/nix/store/.links/${hash}`, folder())).toEqual([]);
  });
});

const below = (path: string) => placesBelow(path).map(({ kind }) => kind);

test("a folder knows what lies below it by its place", () => {
  expect(below("/opt/homebrew/Cellar")).toEqual(["brew"]);
  expect(below("/snap")).toEqual(["snap"]);
  expect(below("/home/ann/snap")).toEqual([]);
  expect(below("/usr/share/code/resources/app/extensions")).toEqual(["builtin", "extension"]);
  expect(below("/home/ann/.vscode/extensions/")).toEqual(["extension"]);
});

test("a manifest that changes is read again, and what was said before holds no longer", async () => {
  const prefix = folder();
  const keg = "Cellar/gemini-cli/0.9.0";
  lay(prefix, { [`${keg}/bin/gemini`]: "1", [`${keg}/INSTALL_RECEIPT.json`]: receipt("somebody/tap") });
  const [path, wanted] = [rawFromText(join(prefix, keg, "bin/gemini")), wanting({ ecosystems: new Set(["brew"]) })];
  const stamp = path === undefined ? undefined : await stampAt(path);
  if (path === undefined || stamp === undefined) throw new Error("no file");
  const owners = new Owners(wanted, []);
  const before = await owners.of(path, stamp);
  expect(before.package).toMatchObject({ value: [{ id: "somebody/tap/gemini-cli" }] });
  expect((await owners.of(path, stamp)) === before).toBe(true);
  lay(prefix, { [`${keg}/INSTALL_RECEIPT.json`]: receipt("homebrew/core") });
  expect(before.footing.holds()).toBe(false);
  expect((await owners.of(path, stamp)).package).toMatchObject({ value: [{ id: "gemini-cli" }] });
});

test("nobody is asked for whom no identity of the policy asks", async () => {
  const prefix = folder();
  lay(prefix, { "Cellar/x/1/bin/x": "1", "Cellar/x/1/INSTALL_RECEIPT.json": receipt("homebrew/core") });
  const path = rawFromText(join(prefix, "Cellar/x/1/bin/x"));
  const stamp = path === undefined ? undefined : await stampAt(path);
  if (path === undefined || stamp === undefined) throw new Error("no file");
  const nobody = wanting({ ecosystems: new Set(), extensions: false });
  expect(await new Owners(nobody, []).of(path, stamp)).toMatchObject({
    package: { unread: expect.any(String) },
    extension: { unread: expect.any(String) },
  });
  const [npm, brew] = [wanting({ ecosystems: new Set(["npm"]) }), wanting({ ecosystems: new Set(["brew"]) })];
  expect((await new Owners(npm, []).of(path, stamp)).package).toEqual({ absent: true });
  expect([mayBeOwned(path, nobody), mayBeOwned(path, npm), mayBeOwned(path, brew)]).toEqual([false, false, true]);
});
