import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { systemClock } from "#lib/clock.ts";
import { parseInfoPlist } from "#observe/readers/plist.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { edictAt } from "../cli/edict.ts";
import { saidBy } from "../observe/layout.ts";
import { homeOf, known, needs, published, run, saidOf, type Thing } from "./installers.ts";

/** Applications of macOS as Xcode and the script editor have made them, which packages of npm bring along. */
const applications: readonly {
  readonly from: string;
  readonly at: string;
  readonly id: string;
  readonly version: string;
  readonly program: string;
}[] = [
  {
    from: "node-notifier@10.0.1",
    at: "node-notifier/vendor/mac.noindex/terminal-notifier.app",
    id: "nl.superalloy.oss.terminal-notifier",
    version: "1.7.2",
    program: "terminal-notifier",
  },
  {
    from: "osx-notifier@0.2.2", // with a _CodeSignature
    at: "osx-notifier/osx/terminal-notifier-pass.app",
    id: "nl.superalloy.oss.success.terminal-notifier",
    version: "1.5.0",
    program: "terminal-notifier",
  },
  {
    from: "@vscode/sudo-prompt@9.3.2", // for two processors
    at: "@vscode/sudo-prompt/applet.app",
    id: "com.sudo-prompt",
    version: "1.0",
    program: "applet",
  },
];

/** It carries its application in its script, as a zip in base64, and lays it when it is asked for a password. */
function unfold(folder: string): void {
  const script = readFileSync(join(folder, "@vscode/sudo-prompt/index.js"), "utf8");
  const archive = join(folder, "applet.zip");
  writeFileSync(archive, Buffer.from(/^var APPLET = '([^']+)'/m.exec(script)?.[1] ?? "", "base64"));
  run(folder, ["/usr/bin/unzip", "-q", archive, "-d", join(folder, "@vscode/sudo-prompt/applet.app")]);
}

test.for(applications)(
  "the application in $from is known by its Info.plist, wherever a person keeps it",
  async ({ from, at, id, version, program }, context) => {
    needs(context, ["unzip"], ["/usr/bin/unzip"]);
    const folder = published(context, homeOf(`npm-${id}`), from);
    if (from.includes("sudo-prompt")) unfold(folder);
    const thing: Thing = { kind: "package", ecosystem: "bundle", id, version };
    for (const place of ["Applications", "Downloads"]) {
      const home = homeOf(`${place}-${id}`);
      const app = join(home, place, "Tool.app");
      mkdirSync(dirname(app), { recursive: true });
      cpSync(join(folder, at), app, { recursive: true });
      execFileSync("/bin/chmod", ["--recursive", "u+x", join(app, "Contents/MacOS")]); // as a zip of it has it
      const executable = join(app, "Contents/MacOS", program);
      expect(await saidOf(thing, home, executable)).toEqual(known(thing));
      for (const subject of [app, executable]) expect(await why(subject, home)).toEqual([`bundle ${id} ${version}`]);
    }
  },
);

async function why(subject: string, home: string): Promise<readonly string[]> {
  const { out, code } = await edictAt(systemClock.now(), home, "why", subject, "--json");
  expect(code).toBe(0);
  return saidBy(z.object({ evidence: evidenceSchema }).parse(JSON.parse(out)).evidence.seen);
}

test("an Info.plist that Xcode has made binary is read as its XML is", (context) => {
  const folder = published(context, homeOf("binary-plists"), "@nativescript/core@9.1.2");
  const frameworks = join(folder, "@nativescript/core/platforms/ios/TNSWidgets.xcframework");
  const read = (name: string) => {
    const bytes = readFileSync(join(frameworks, name));
    return { form: bytes.toString("latin1", 0, 6), bundle: parseInfoPlist(bytes) };
  };
  const bundle = {
    identifier: "org.nativescript.TNSWidgets",
    name: "TNSWidgets",
    version: "1.0",
    executable: "TNSWidgets",
  };
  expect(read("ios-arm64/TNSWidgets.framework/Info.plist")).toEqual({ form: "bplist", bundle });
  expect(read("ios-arm64_x86_64-maccatalyst/TNSWidgets.framework/Versions/A/Resources/Info.plist")).toEqual({
    form: "<?xml ",
    bundle,
  });
});
