import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { longestRegistry } from "#observe/readers/uninstall-keys.ts";
import { installRoots } from "#platform/linux/install-roots.ts";
import { lacking } from "../needs.ts";
import { lay, lookAt, lookThrough, ownersOf } from "./layout.ts";
import { folder, nativeTool } from "./place.ts";

const appx = (name: string, publisher: string, version: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10">
  <Identity Name="${name}" Publisher="${publisher}" Version="${version}" ProcessorArchitecture="x64" />
</Package>`;

describe("MSIX", () => {
  const microsoft = "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US";

  test("has packages by their family's name, which Windows makes of name and publisher", async () => {
    const apps = join(folder(), "Program Files/WindowsApps");
    lay(apps, {
      "Microsoft.Paint_11.2.0.0_x64__8wekyb3d8bbwe/AppxManifest.xml": appx("Microsoft.Paint", microsoft, "11.2.0.0"),
      "Microsoft.Paint_11.2.0.0_x64__8wekyb3d8bbwe/paint.exe": "1",
      "Other_1.0.0.0_x64__8wekyb3d8bbwe/AppxManifest.xml": appx("Other", "CN=Somebody", "1.0.0.0"),
      "Third_1.0.0.0_x64__8wekyb3d8bbwe/AppxManifest.xml": appx("Renamed", microsoft, "1.0.0.0"),
      "Fourth_1.0.0.0_x64__8wekyb3d8bbwe/AppxManifest.xml": appx("Fourth", microsoft, "2.0.0.0"),
      "MutableBackup/AppxManifest.xml": appx("MutableBackup", microsoft, "1.0.0.0"),
    });
    const said = ["msix Microsoft.Paint_8wekyb3d8bbwe 11.2.0.0"];
    expect((await lookThrough([apps, "units", 1])).said).toEqual(said);
    expect(await ownersOf(join(apps, "Microsoft.Paint_11.2.0.0_x64__8wekyb3d8bbwe/paint.exe"))).toEqual(said);
  });

  test("keeps a program in a package one that is looked at by itself", async () => {
    const apps = join(folder(), "WindowsApps");
    const at = "Microsoft.Paint_11.2.0.0_x64__8wekyb3d8bbwe";
    lay(apps, { [`${at}/AppxManifest.xml`]: appx("Microsoft.Paint", microsoft, "11.2.0.0") });
    nativeTool(join(apps, at, "paint.exe"));
    const { found } = await lookThrough([apps, "apps", 2]);
    expect(new Set(found.map(({ file }) => file?.path))).toEqual(
      new Set([join(apps, at), join(apps, at, "paint.exe")]),
    );
  });
});

const plist = (identifier: string, executable: string): string =>
  `<plist version="1.0"><dict>
<key>CFBundleIdentifier</key><string>${identifier}</string>
<key>CFBundleShortVersionString</key><string>1.7.2</string>
<key>CFBundleExecutable</key><string>${executable}</string>
</dict></plist>`;

describe("macOS", () => {
  test("has bundles by their identifier, where the program that they name is there", async () => {
    const home = folder();
    lay(home, {
      "Applications/Cursor.app/Contents/Info.plist": plist("com.todesktop.230313mzl4w4u92", "Cursor"),
      "Applications/Cursor.app/Contents/MacOS/Cursor": "1",
      "Applications/Utilities/游标.app/Contents/Info.plist": plist("a.b", "游标"),
      "Applications/Utilities/游标.app/Contents/MacOS/游标": "1",
      "Applications/None.app/Contents/Info.plist": plist("c.d", "None"),
      "Applications/Long.app/Contents/Info.plist": plist("e".repeat(256), "Long"),
      "Applications/Long.app/Contents/MacOS/Long": "1",
      "Applications/Up.app/Contents/Info.plist": plist("f.g", ".."),
      "Downloads/x/Elsewhere.app/Contents/Info.plist": plist("h.i", "Elsewhere"),
    });
    const said = ["bundle a.b 1.7.2", "bundle com.todesktop.230313mzl4w4u92 1.7.2"];
    expect((await lookThrough([home, "home", 6])).said).toEqual(said);
    expect(await ownersOf(join(home, "Applications/Cursor.app/Contents/MacOS/Cursor"))).toEqual([said[1]]);
  });

  test.skipIf(lacking("python3") !== undefined)("has them in the binary form too, as Python writes it", async () => {
    const home = folder();
    lay(home, { "Applications/X.app/Contents/MacOS/X 游标": "1" });
    const file = join(home, "Applications/X.app/Contents/Info.plist");
    const write = `import plistlib, sys
bundle = {"CFBundleIdentifier": "com.example.x", "CFBundleExecutable": "X 游标", "CFBundleShortVersionString": "2.0", "Other": [1, {"a": b"b"}]}
plistlib.dump(bundle, open(sys.argv[1], "wb"), fmt=plistlib.FMT_BINARY)`;
    execFileSync("/usr/bin/python3", ["-c", write, file]);
    expect((await lookThrough([join(home, "Applications"), "apps", 2])).said).toEqual(["bundle com.example.x 2.0"]);
  });
});

const hive = (...keys: readonly string[]): string =>
  [
    "WINE REGISTRY Version 2",
    ...keys.flatMap((key) => [
      String.raw`[Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\${key}] 1795670051`,
      '"DisplayName"="x"',
      '"DisplayVersion"="1.0"',
    ]),
  ].join("\n");

describe("Wine", () => {
  test("has in each prefix what its Windows has installed, for everybody and for a person", async () => {
    const home = folder();
    lay(home, {
      ".wine/drive_c/windows/": "",
      ".wine/system.reg": hive("{943D6004}_is1", "Shared"),
      ".wine/user.reg": `${hive("AnthropicClaude")}\n"WinGetPackageIdentifier"="Anthropic.Claude"\n`,
      ".local/share/Steam/steamapps/compatdata/480/pfx/drive_c/": "",
      ".local/share/Steam/steamapps/compatdata/480/pfx/user.reg": hive("Deep"),
      "Games/tool/drive_c/": "",
      "Games/tool/system.reg": hive("Lutris"),
      "other/system.reg": hive("no prefix"),
    });
    const own = ["arp AnthropicClaude 1.0", "arp Shared 1.0", "arp {943D6004}_is1 1.0", "winget Anthropic.Claude 1.0"];
    const roots = installRoots([{ name: "ann", uid: 0, gid: 0, home }]).filter(({ path }) => path.startsWith(home));
    const everywhere = [...own, "arp Deep 1.0", "arp Lutris 1.0"].toSorted();
    expect((await lookAt(roots)).said).toEqual(everywhere);
    expect((await lookThrough([home, "apps", 64])).said).toEqual(everywhere);
    const looked = await lookThrough([join(home, ".wine"), "units", 0]);
    expect(looked.said).toEqual(own);
    expect(new Set(looked.found.map(({ file }) => file?.path))).toEqual(
      new Set([join(home, ".wine/system.reg"), join(home, ".wine/user.reg")]),
    );
  });

  test("registries that are links, too long, broken or somebody else's are none", async () => {
    const home = folder();
    for (const name of ["link", "long", "foreign", "broken"])
      mkdirSync(join(home, name, "drive_c"), { recursive: true });
    lay(home, { "elsewhere.reg": hive("Linked"), "link/system.reg": { link: "../elsewhere.reg" } });
    lay(home, { "long/system.reg": hive("Long"), "foreign/system.reg": hive("Foreign"), "broken/user.reg": "\0\xff[" });
    truncateSync(join(home, "long/system.reg"), longestRegistry + 1);
    if (process.getuid?.() === 0) chownSync(join(home, "foreign/system.reg"), 4242, 4242);
    else rmSync(join(home, "foreign/system.reg"));
    expect((await lookThrough([home, "apps", 3])).said).toEqual([]);
  });
});
