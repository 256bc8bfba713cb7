import { globSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, run, saidOf, type Thing } from "./installers.ts";
import { zip } from "../observe/zip.ts";

const cline: Thing = { kind: "extension", host: "vscode", id: "saoudrizwan.claude-dev", version: "3.20.0" };

/** code-server is VS Code's server with another name; without its scripts it still installs extensions. */
function codeServer(): readonly string[] {
  const tools = homeOf("tools");
  const env = { ...process.env, npm_config_userconfig: join(homedir(), ".npmrc") };
  const install = ["/usr/bin/env", "npm", "install", "--ignore-scripts", "--loglevel=error"];
  run(tools, [...install, "code-server@4.139.1"], { env, network: true });
  const server = join(tools, "node_modules/code-server/lib/vscode");
  run(tools, [...install, "--omit=dev", "--legacy-peer-deps"], { cwd: server, env, network: true });
  return [process.execPath, join(server, "out/server-main.js"), "--accept-server-license-terms"];
}

const schema = "http://schemas.microsoft.com/developer/vsx-schema/2011";
const about = `<?xml version="1.0"?>
<PackageManifest Version="2.0.0" xmlns="${schema}">
  <Metadata>
    <Identity Language="en-US" Id="claude-dev" Version="3.20.0" Publisher="saoudrizwan"/>
    <DisplayName>x</DisplayName>
    <Description>x</Description>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/></Assets>
</PackageManifest>`;
const manifest = {
  name: "claude-dev",
  publisher: "saoudrizwan",
  version: "3.20.0",
  engines: { vscode: "^1.80.0" },
  main: "./x.js",
};

test("an extension that VS Code's server installs from a file is found, with its version, as long as its folder is there", async () => {
  const home = homeOf("vscode");
  const [folder, archive] = [join(home, ".vscode-server"), join(home, "cline.vsix")];
  mkdirSync(folder);
  zip(archive, {
    "extension.vsixmanifest": about,
    "extension/package.json": JSON.stringify(manifest),
    "extension/x.js": "",
  });
  const extensions = join(folder, "extensions");
  const folders = [
    "--server-data-dir",
    folder,
    "--extensions-dir",
    extensions,
    "--user-data-dir",
    join(folder, "data"),
  ];
  const editor = [...codeServer(), ...folders];
  run(home, [...editor, "--install-extension", archive]);
  expect(await saidOf(cline, home)).toEqual(known(cline, false));
  // It takes it off its list, and removes the folder when it starts the next time.
  run(home, [...editor, "--uninstall-extension", cline.id]);
  const left = globSync("*/", { cwd: extensions });
  expect(await audited(cline, home)).toEqual(left.length === 0 ? [] : ["proof 3.20.0"]);
});
