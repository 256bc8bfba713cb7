import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, published, run, saidOf, type Thing } from "./installers.ts";

/** Whose packages there are, and the id that Windows has made of each publisher. */
const openai = {
  name: "OpenAI.ChatGPT-Desktop",
  publisher: "CN=50BDFD77-8903-4850-9FFE-6E8522F64D5B",
  publisherId: "2p2nqsd0c76g0",
};
const anthropic = {
  name: "Claude",
  publisher: [
    'CN="Anthropic, PBC", O="Anthropic, PBC", L=San Francisco, S=California, C=US, SERIALNUMBER=4860621',
    "OID.2.5.4.15=Private Organization, OID.1.3.6.1.4.1.311.60.2.1.2=Delaware, OID.1.3.6.1.4.1.311.60.2.1.3=US",
  ].join(", "),
  publisherId: "pzs8sxrjxfjjc",
};
const version = "1.2025.204.0";

/** Makers of packages for Windows, each with the script that has it write AppxManifest.xml here, as `name` by `publisher`. */
const makers: readonly { readonly by: readonly string[]; readonly of: typeof openai; readonly write: string }[] = [
  {
    by: ["electron-windows-msix@2.0.4"], // Electron Forge's
    of: openai,
    write: `
      const { manifest } = require("electron-windows-msix/lib/manifestation.js");
      const manifestVariables = { packageIdentity: name, publisher, packageVersion: "1.2025.204", appExecutable: "App.exe", targetArch: "x64" };
      manifest({ manifestVariables }).then((text) => writeFileSync("AppxManifest.xml", text));`,
  },
  {
    by: ["app-builder-lib@26.17.0", "dmg-builder", "electron-builder-squirrel-windows"], // electron-builder's
    of: anthropic,
    write: `
      const { default: AppXTarget } = require("app-builder-lib/out/targets/AppxTarget.js");
      const appInfo = { productFilename: "App", productName: "App", companyName: "A & B", name, getVersionInWeirdWindowsForm: () => version };
      const info = { metadata: {} };
      const packager = { appInfo, info, config: {}, platformSpecificBuildOptions: {}, getResource: async () => null };
      const options = { identityName: name, applicationId: "App" };
      const target = Object.create(AppXTarget.prototype, { options: { value: options }, packager: { value: packager } });
      target.writeManifest("AppxManifest.xml", 1, publisher, []);`,
  },
  {
    by: ["@choochmeque/tauri-windows-bundle@0.1.28"],
    of: openai,
    write: `
      import("@choochmeque/tauri-windows-bundle").then(({ generateManifest, generateManifestTemplate }) => {
        generateManifestTemplate(".");
        const config = { identifier: name, publisher, version, displayName: "App", publisherDisplayName: "A" };
        writeFileSync("AppxManifest.xml", generateManifest(config, "x64", "10.0.17763.0", "."));
      });`,
  },
];

test.for(makers)("what $by.0 makes is known by its manifest, where Windows would lay it", async (maker, context) => {
  const { by, of, write } = maker;
  const made = homeOf(`msix-${by[0]?.replaceAll(/[@/]/g, "-")}`);
  published(context, made, ...by);
  const given = `const { writeFileSync } = require("node:fs"); const [name, publisher, version] = ${JSON.stringify([of.name, of.publisher, version])};`;
  run(made, [process.execPath, "--eval", `${given}${write}`]);

  const home = homeOf(`windows-${by[0]?.replaceAll(/[@/]/g, "-")}`);
  const apps = join(home, "disk/Program Files/WindowsApps");
  const folder = join(apps, `${of.name}_${version}_x64__${of.publisherId}`);
  mkdirSync(join(folder, "app"), { recursive: true });
  writeFileSync(join(folder, "AppxManifest.xml"), readFileSync(join(made, "AppxManifest.xml")));
  writeFileSync(join(folder, "app/App.exe"), "MZ", { mode: 0o755 });
  const thing: Thing = { kind: "package", ecosystem: "msix", id: `${of.name}_${of.publisherId}`, version };
  expect(await saidOf(thing, home, join(folder, "app/App.exe"))).toEqual(known(thing));

  const other = join(home, `other/WindowsApps/${of.name}_${version}_x64__8wekyb3d8bbwe`); // Microsoft's is not this one
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, "AppxManifest.xml"), readFileSync(join(made, "AppxManifest.xml")));
  expect(await audited({ ...thing, id: `${of.name}_8wekyb3d8bbwe` }, home)).toEqual([]);
});
