import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";

/** The banned stand-in and its approved replacement: two scripts that do nothing, installed as npm would. */
export const banned = {
  id: "demo-parrot",
  package: "@edict-demo/parrot",
  command: "parrot",
  name: "Parrot (a stand-in)",
};
export const approved = { id: "demo-owl", package: "@edict-demo/owl", command: "owl", name: "Owl (its replacement)" };

/** Makes both below `folder`; gives the folder of their commands. */
export function installStandIns(folder: string): string {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  // It would go on for a minute: whoever ends it sooner is the agent.
  install(
    folder,
    bin,
    banned,
    'console.log("parrot: hello, I would now read your code …");\nsetTimeout(() => {}, 60_000);\n',
  );
  install(folder, bin, approved, 'console.log("owl: ready to help");\n');
  return bin;
}

function install(folder: string, bin: string, tool: typeof banned, code: string): void {
  const home = join(folder, "lib/node_modules", tool.package);
  mkdirSync(home, { recursive: true });
  const manifest = { name: tool.package, version: "1.0.0", type: "module", bin: { [tool.command]: "cli.js" } };
  writeFileSync(join(home, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(home, "cli.js"), `#!/usr/bin/env node\n${code}`, { mode: 0o755 });
  symlinkSync(join("../lib/node_modules", tool.package, "cli.js"), join(bin, tool.command));
}

/** The demo's policy, as an administrator would write it: the stand-in is blocked; every real tool of the catalog is observed and nothing more. */
export function demoPolicy(tools: readonly string[], now: Instant): object {
  const from = formatInstant(instantOf(now - 86_400_000));
  return {
    formatVersion: 1,
    name: "demo",
    bans: [
      {
        id: "parrot",
        tool: banned.id,
        reason: "It repeats everything it hears to strangers.",
        owner: "security@edict.example",
        stages: [{ from, mode: "block" }],
        replacement: {
          tool: approved.id,
          url: "https://edict.example/owl",
          equivalents: [{ from: banned.command, to: approved.command }],
        },
        message: { en: "Parrot is not approved here. Owl is.", "zh-CN": "这里不允许使用 Parrot，请使用 Owl。" },
      },
      ...tools.map((tool) => ({
        id: tool,
        tool,
        reason: "Only observed: this is a demo.",
        owner: "security@edict.example",
        stages: [{ from, mode: "observe" }],
      })),
    ],
    tools: [standInTool(banned), standInTool(approved)],
  };
}

function standInTool(tool: typeof banned): object {
  return {
    id: tool.id,
    name: tool.name,
    vendor: "Edict",
    category: "demo",
    identities: [{ kind: "package", ecosystem: "npm", id: tool.package }],
  };
}
