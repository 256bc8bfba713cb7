import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lay, lookThrough, ownersOf } from "./layout.ts";
import { folder } from "./place.ts";
import { zip } from "./zip.ts";

/** As cargo 1.95 writes it. */
const install = (crate: string, ...bins: readonly string[]) => ({
  [crate]: {
    version_req: null,
    bins,
    features: [],
    all_features: false,
    profile: "release",
    target: "x86_64",
    rustc: "",
  },
});

const record = (name: string) => JSON.stringify({ name, version: "1.0", build: "py312_0", files: ["bin/x"] });

const addon = (id: string, more: object = {}) => ({
  id,
  version: "1.2",
  type: "extension",
  location: "app-profile",
  ...more,
});
const list = (...addons: readonly unknown[]) => JSON.stringify({ schemaVersion: 36, addons });

describe("cargo", () => {
  test("installed what its root says, where it came from a registry", async () => {
    const home = folder();
    const installs = {
      ...install("goose-cli 1.9.0 (registry+https://github.com/rust-lang/crates.io-index)", "goose", "goosed"),
      ...install("codex-cli 0.1.0 (sparse+https://index.crates.io/)", "codex"),
      ...install("forge 1.0.0 (path+file:///home/ann/forge)", "forge"),
      ...install("pi 2.0.0 (git+https://git.example/pi#abc)", "pi"),
    };
    lay(home, { ".cargo/.crates2.json": JSON.stringify({ installs }) });
    for (const name of ["goose", "goosed", "codex", "forge", "pi", "other"]) lay(home, { [`.cargo/bin/${name}`]: "1" });
    const owner = (name: string) => ownersOf(join(home, ".cargo/bin", name));
    expect(await owner("goose")).toEqual(["cargo goose-cli 1.9.0"]);
    expect(await owner("goosed")).toEqual(["cargo goose-cli 1.9.0"]);
    expect(await owner("codex")).toEqual(["cargo codex-cli 0.1.0"]);
    for (const name of ["forge", "pi", "other"]) expect([name, await owner(name)]).toEqual([name, []]);
  });
});

describe("conda", () => {
  test("has the packages that an environment's records name, in a home's miniconda too", async () => {
    const home = folder();
    lay(home, {
      "miniconda3/conda-meta/python-1.0-py312_0.json": record("python"),
      "miniconda3/conda-meta/history": "==> 2026 <==",
      "miniconda3/conda-meta/renamed-1.0-py312_0.json": record("aider-chat"),
      "miniconda3/envs/work/conda-meta/aider-chat-1.0-py312_0.json": record("aider-chat"),
    });
    const looked = await lookThrough([home, "home", 6]);
    expect(looked.said).toEqual(["conda aider-chat 1.0", "conda python 1.0"]);
    expect(looked.found.map(({ file }) => file?.path)).toContain(
      join(home, "miniconda3/envs/work/conda-meta/aider-chat-1.0-py312_0.json"),
    );
  });
});

describe("Python", () => {
  test("has distributions of a person's own, of virtual environments, and in the older form", async () => {
    const home = folder();
    lay(home, {
      ".local/lib/python3.11/site-packages/aider_chat-0.86.1.dist-info/METADATA": "Name: aider-chat\nVersion: 0.86.1\n",
      ".local/lib/python3.11/site-packages/open_interpreter-0.4.egg-info/PKG-INFO":
        "Name: open-interpreter\nVersion: 0.4\n",
      ".local/lib/python3.11/site-packages/kimi_cli.egg-info/PKG-INFO": "Name: kimi-cli\nVersion: 1.0\n",
      ".local/lib/python3.11/site-packages/other-1.0.egg-info/PKG-INFO": "Name: kimi-cli\nVersion: 1.0\n",
      ".cache/uv/archive-v0/a1b2/lib/python3.12/site-packages/mistral_vibe-2.0.dist-info/METADATA":
        "Name: mistral-vibe\nVersion: 2.0\n",
      ".cache/uv/environments-v2/script-a1b2/lib/python3.12/site-packages/crewai-1.0.dist-info/METADATA":
        "Name: crewai\nVersion: 1.0\n",
      ".cache/uv/environments-v2/c3d4": { link: "../archive-v0/a1b2" },
    });
    const looked = await lookThrough(
      [join(home, ".local/lib"), "units", 1],
      [join(home, ".cache/uv/archive-v0"), "units", 3],
      [join(home, ".cache/uv/environments-v2"), "units", 3],
    );
    expect(looked.said).toEqual([
      "pypi aider-chat 0.86.1",
      "pypi crewai 1.0",
      "pypi kimi-cli 1.0",
      "pypi mistral-vibe 2.0",
      "pypi open-interpreter 0.4",
    ]);
  });
});

describe("pip and uv --target", () => {
  test("lays a distribution and its scripts in a folder of any name; what uv keeps unpacked is not installed", async () => {
    const home = folder();
    const metadata = "Name: aider-chat\nVersion: 0.86.1\n";
    lay(home, {
      "work/tools/aider_chat-0.86.1.dist-info/METADATA": metadata,
      "work/tools/aider_chat-0.86.1.dist-info/RECORD": "../../bin/aider,sha256=x,209\naider/main.py,sha256=y,34\n",
      "work/tools/bin/aider": "1",
      "work/tools/bin/other": "1",
      "work/byuv/bin/aider": "1",
      "work/byuv/bin/other": "1",
      "work/byuv/aider_chat-0.86.1.dist-info/METADATA": metadata,
      "work/byuv/aider_chat-0.86.1.dist-info/RECORD": "aider/main.py,sha256=y,34\nbin/aider,sha256=x,209\n",
      ".cache/uv/archive-v0/a1b2/aider_chat-0.86.1.dist-info/METADATA": metadata,
    });
    const looked = await lookThrough([home, "home", 6], [join(home, ".cache/uv/archive-v0"), "units", 3]);
    expect(looked.said).toEqual(["pypi aider-chat 0.86.1", "pypi aider-chat 0.86.1"]);
    const owner = (name: string) => ownersOf(join(home, "work", name));
    const files = ["tools/bin/aider", "byuv/bin/aider", "tools/bin/other", "byuv/bin/other"];
    const aider = ["pypi aider-chat 0.86.1"];
    expect(await Promise.all(files.map(owner))).toEqual([aider, aider, [], []]);
  });
});

describe("Firefox", () => {
  test("has the extensions that somebody added to a profile, wherever it lies", async () => {
    const home = folder();
    lay(home, {
      ".mozilla/firefox/profiles.ini": `[Profile0]\nName=a\nIsRelative=1\nPath=x1.default\n\n[Profile1]\nIsRelative=0\nPath=${home}/else/where\n`,
      ".mozilla/firefox/x1.default/extensions.json": list(
        addon("tool@example.com"),
        addon("theme@example.com", { type: "theme" }),
        addon("screenshots@mozilla.org", { location: "app-builtin-addons" }),
        addon("formautofill@mozilla.org", { location: "app-system-defaults" }),
        { id: 5 },
        null,
      ),
      "else/where/extensions.json": list(addon("{0a1b2c}", { location: "app-global" })),
    });
    const looked = await lookThrough([join(home, ".mozilla/firefox"), "units", 1]);
    expect(looked.said).toEqual(["firefox tool@example.com 1.2", "firefox {0a1b2c} 1.2"]);
  });
});

describe("containers", () => {
  const docker = "var/lib/docker/overlay2/5f0a/merged/usr/lib/node_modules";
  const podman = "home/ann/.local/share/containers/storage/overlay/77ab/diff/usr/lib/node_modules";

  test("are not looked into as if they were the machine, and are marked where somebody asks for them", async () => {
    const root = folder();
    const cowsay = { name: "cowsay", version: "1.6.0" };
    for (const place of [docker, podman]) lay(root, { [`${place}/cowsay/package.json`]: JSON.stringify(cowsay) });
    const looked = await lookThrough([root, "apps", 14]);
    expect(looked.said).toEqual([]);
    expect(looked.containers.toSorted()).toEqual([
      join(root, "home/ann/.local/share/containers/storage/overlay"),
      join(root, "var/lib/docker/overlay2"),
    ]);
    const asked = await lookThrough([join(root, "var/lib/docker/overlay2/5f0a"), "apps", 6]);
    expect(asked.found.map(({ file }) => file?.container)).toEqual(["docker"]);
  });
});

test("FIFOs, devices, loops, folders and huge files in the place of any manifest neither stop a scan nor say anything", async () => {
  const home = folder();
  const places = [
    "Cellar/x/1/INSTALL_RECEIPT.json",
    "Caskroom/x/.metadata/INSTALL_RECEIPT.json",
    "flatpak/app/a.b/x86_64/stable/" + "ab".repeat(32) + "/metadata",
    "x/extensions/a.b-1/package.json",
    "x/Extensions/" + "a".repeat(32) + "/1_0/manifest.json",
    ".mozilla/firefox/p/extensions.json",
    "env/conda-meta/x-1-0.json",
    "env/lib/python3.11/site-packages/x-1.dist-info/METADATA",
    "env/lib/python3.11/site-packages/y-1.egg-info/PKG-INFO",
    "b/.bun/install/cache/x@1@@@1/package.json",
    ".cargo/.crates2.json",
    "prefix/system.reg",
    "WindowsApps/A_1.0.0.0_x64__8wekyb3d8bbwe/AppxManifest.xml",
    "Applications/X.app/Contents/Info.plist",
  ];
  const evil: Readonly<Record<string, (path: string) => void>> = {
    fifo: (path) => execFileSync("/usr/bin/mkfifo", [path]),
    device: (path) => symlinkSync("/dev/zero", path),
    loop: (path) => symlinkSync(path, path),
    folder: (path) => mkdirSync(path),
  };
  for (const [name, make] of Object.entries(evil)) {
    for (const place of places) {
      const at = join(home, name, place);
      lay(at, { "../": "" });
      make(at);
    }
    for (const made of ["Caskroom/x/1", "prefix/drive_c"]) mkdirSync(join(home, name, made));
    lay(join(home, name), { ".cargo/bin/x": "1" });
    expect([name, (await lookThrough([join(home, name), "apps", 9])).said]).toEqual([name, []]);
    expect([name, await ownersOf(join(home, name, ".cargo/bin/x"))]).toEqual([name, []]);
  }
  const texts = [
    "",
    "null",
    "42",
    "[".repeat(100_000),
    `{"__proto__":{"name":"x"}}`,
    `{"installs":{"__proto__":{"bins":["x"]}},"addons":[{"__proto__":null}]}`,
    "\u0000".repeat(1000),
    `{"name":"x","version":"1","pad":"${"y".repeat(2_000_000)}"}`,
  ];
  for (const [i, text] of texts.entries()) {
    const root = join(home, `text${i}`);
    lay(root, Object.fromEntries(places.map((place) => [place, text])));
    lay(root, { "Caskroom/x/1/": "", "prefix/drive_c/": "", ".cargo/bin/x": "1" });
    expect([i, (await lookThrough([root, "apps", 9])).said]).toEqual([i, []]);
    expect([i, await ownersOf(join(root, ".cargo/bin/x"))]).toEqual([i, []]);
  }
});

const plugin = (id: string, more = "") =>
  `<?xml version="1.0"?>\n<!-- <id>no</id> -->\n<idea-plugin url="https://x">\n<vendor><id>vendor</id></vendor>\n${id}\n<version>1.5.2</version>${more}</idea-plugin>`;

describe("IDEs of JetBrains", () => {
  test("have the plugins that a person added, by the one library that describes them", async () => {
    const home = folder();
    const ide = join(home, ".local/share/JetBrains/IntelliJIdea2025.1");
    zip(join(ide, "github-copilot-intellij/lib/a-library.jar"), {
      "META-INF/plugin.xml": "<plugin><id>maven</id></plugin>",
    });
    zip(join(ide, "github-copilot-intellij/lib/core.jar"), {
      "META-INF/plugin.xml": plugin("<id>com.github.copilot</id>"),
    });
    zip(join(ide, "nameless/lib/nameless.jar"), { "META-INF/plugin.xml": plugin("<name>Only A Name</name>") });
    zip(join(ide, "bomb/lib/bomb.jar"), { "META-INF/plugin.xml": plugin("<id>com.bomb</id>", "x".repeat(50_000_000)) });
    lay(ide, {
      "cut/lib/cut.jar": "PK\u0003\u0004",
      "github-copilot-intellij/copilot-agent/bin/server": "1",
      "empty/lib/": "",
    });
    zip(join(home, "Library/Application Support/JetBrains/PyCharm2025.2/plugins/cody/lib/cody.jar"), {
      "META-INF/plugin.xml": plugin("<id>com.sourcegraph.jetbrains</id>"),
    });
    const looked = await lookThrough(
      [join(home, ".local/share/JetBrains"), "units", 0],
      [join(home, "Library/Application Support/JetBrains"), "units", 0],
    );
    expect(looked.said).toEqual([
      "jetbrains Only A Name 1.5.2",
      "jetbrains com.github.copilot 1.5.2",
      "jetbrains com.sourcegraph.jetbrains 1.5.2",
    ]);
    expect(await ownersOf(join(ide, "github-copilot-intellij/copilot-agent/bin/server"))).toEqual([
      "jetbrains com.github.copilot 1.5.2",
    ]);
  });

  test("have plugins whose description lies there as a file, or is spelt otherwise", async () => {
    const home = folder();
    const ide = join(home, ".local/share/JetBrains/IntelliJIdea2025.1");
    lay(ide, {
      "a/META-INF/plugin.xml": plugin("<id>a.folder</id>"),
      "b/lib/classes/META-INF/plugin.xml": plugin("<id>b.lib</id>"),
      "e/META-INF/plugin.xml": plugin("<id>not.this</id><id>e.<!-- x -->last<![CDATA[.one]]></id>"),
      "f/META-INF/plugin.xml": plugin("<id> </id><name>F</name>"),
      "g/META-INF/plugin.xml": "<idea-plugin><id/><name/></idea-plugin>",
    });
    zip(join(ide, "c/lib/c.zip"), { "META-INF/plugin.xml": plugin("<id>c.zip</id>") });
    zip(join(ide, "d/lib/D.JAR"), { "META-INF/plugin.xml": plugin("<id>d.jar</id>") });
    zip(join(ide, "one.jar"), { "META-INF/plugin.xml": plugin("<id>one.archive</id>") });
    zip(join(ide, "library.jar"), { "META-INF/MANIFEST.MF": "" });
    zip(join(home, ".local/share/JetBrains/PyCharm2025.2/plugins/two.jar"), {
      "META-INF/plugin.xml": plugin("<id>two.archive</id>"),
    });
    zip(join(home, "elsewhere/one.jar"), { "META-INF/plugin.xml": plugin("<id>not.there</id>") });
    const { said, found } = await lookThrough([home, "home", 2], [join(home, ".local/share/JetBrains"), "units", 0]);
    const ids = ["F", "a.folder", "b.lib", "c.zip", "d.jar", "e.last.one", "one.archive", "two.archive"];
    expect(said).toEqual(ids.map((id) => `jetbrains ${id} 1.5.2`));
    expect(found.map(({ file }) => file?.path)).toContain(join(ide, "one.jar"));
  });
});

const manifest = (name: string) => JSON.stringify({ name, version: "1.6.0" });

describe("Yarn 4", () => {
  test("has packages in archives, each by the manifest in it", async () => {
    const home = folder();
    const cache = join(home, "work/app/.yarn/cache");
    zip(join(cache, "cowsay-npm-1.6.0-4991c1c046-10c0.zip"), {
      "node_modules/cowsay/package.json": manifest("cowsay"),
    });
    zip(join(cache, "@types-node-npm-1.6.0-a217a0974b-10c0.zip"), {
      "node_modules/@types/node/package.json": manifest("@types/node"),
    });
    zip(join(cache, "@a-b-c-npm-1.6.0-a217a0974b-10c0.zip"), {
      "node_modules/@a-b/c/package.json": manifest("@a-b/c"),
    });
    zip(join(cache, "other-npm-1.6.0-a217a0974b-10c0.zip"), { "node_modules/other/package.json": manifest("cowsay") });
    lay(cache, { "broken-npm-1.0.0-a217a0974b-10c0.zip": "PK", ".gitignore": "" });
    const looked = await lookThrough([home, "home", 6]);
    expect(looked.said).toEqual(["npm @a-b/c 1.6.0", "npm @types/node 1.6.0", "npm cowsay 1.6.0"]);
  });
});
