import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { zip } from "../observe/zip.ts";
import { homeOf, known, needs, run, saidOf, where, type Thing } from "./installers.ts";

const alone = { DBUS_SESSION_BUS_ADDRESS: "disabled:" };

test("an extension that Firefox has in a profile is found, with its version, and what it is shipped with is not", async (context) => {
  needs(context, ["firefox-esr"], ["/usr/bin/firefox-esr"]);
  const home = homeOf("firefox");
  const firefox = ["/usr/bin/firefox-esr", "--headless"];
  run(home, [...firefox, "-CreateProfile", "work"], { env: alone });
  const [profile = ""] = globSync(".{config/,}mozilla/firefox/*.work", { cwd: home });
  const id = "tool@example.com";
  const manifest = { manifest_version: 2, name: "x", version: "1.4.2", browser_specific_settings: { gecko: { id } } };
  const archive = join(home, "tool.xpi");
  zip(archive, { "manifest.json": JSON.stringify(manifest) });
  mkdirSync(join(home, profile, "extensions"));
  copyFileSync(archive, join(home, profile, `extensions/${id}.xpi`));
  const settings = [
    'user_pref("xpinstall.signatures.required", false);',
    'user_pref("extensions.autoDisableScopes", 0);',
    'user_pref("extensions.startupScanScopes", 15);',
  ];
  writeFileSync(join(home, profile, "user.js"), settings.join("\n"));
  run(home, [...firefox, "-P", "work", "--no-remote", "--screenshot", join(home, "x.png"), "about:blank"], {
    env: alone,
  });
  const thing: Thing = { kind: "extension", host: "firefox", id, version: "1.4.2" };
  expect(await saidOf(thing, home)).toEqual(known(thing, false));
  const shipped: Thing = { kind: "extension", host: "firefox", id: "formautofill@mozilla.org", version: "1.0.1" };
  expect(await saidOf(shipped, home)).toEqual({ audit: [], roots: false });
});

/** The id that Chromium makes of a key: crx_file::id_util. */
function idOf(key: string): string {
  const bytes = execFileSync("openssl", ["pkey", "-in", key, "-pubout", "-outform", "DER"]);
  const digits = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  return digits.replaceAll(/[0-9a-f]/g, (digit) => String.fromCodePoint(97 + Number.parseInt(digit, 16)));
}

test("an extension that Chromium installs for everybody is found in a person's profile, with its version", async (context) => {
  needs(context, ["chromium", "bubblewrap", "openssl"], ["/usr/bin/chromium", "/usr/bin/bwrap", "/usr/bin/openssl"]);
  const home = homeOf("chromium");
  mkdirSync(join(home, "tool"));
  writeFileSync(join(home, "tool/manifest.json"), JSON.stringify({ manifest_version: 3, name: "x", version: "1.4.2" }));
  const profile = `--user-data-dir=${join(home, ".config/chromium")}`;
  const chromium = ["/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", profile];
  run(home, [...chromium, `--pack-extension=${join(home, "tool")}`], { env: alone });
  const id = idOf(join(home, "tool.pem"));
  const everybodys = join(home, "everybodys");
  mkdirSync(everybodys);
  const external = { external_crx: join(home, "tool.crx"), external_version: "1.4.2" };
  writeFileSync(join(everybodys, `${id}.json`), JSON.stringify(external));
  const here = where({ "/usr/share/chromium/extensions": everybodys }, ["/usr/share/chromium"]);
  const installed = join(home, ".config/chromium/Default/Extensions", id, "1.4.2_0/manifest.json");
  const [program, ...args] = [...here, "--die-with-parent", ...chromium, "about:blank"];
  const browser = spawn(program, args, { env: { PATH: "/usr/bin:/bin", HOME: home, ...alone }, stdio: "ignore" });
  try {
    await vi.waitFor(() => expect(existsSync(installed)).toBe(true), { timeout: 120_000, interval: 200 });
  } finally {
    browser.kill("SIGKILL");
  }
  const thing: Thing = { kind: "extension", host: "chrome", id, version: "1.4.2" };
  expect(await saidOf(thing, home)).toEqual(known(thing, false));
});
