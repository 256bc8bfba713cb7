import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { RealTool } from "./tools.ts";

export const layouts = ["global", "prefix", "npx", "pnpm", "copied"] as const;
export type Layout = (typeof layouts)[number];

/** Where one layout lies, and the file that the tool's command leads to. */
export interface Laid {
  readonly layout: Layout;
  readonly folder: string;
  readonly entry: string;
}

const manifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
});

/** Exact, so that a layout does not change under our hands. */
const pnpm = "pnpm@10.34.9";
const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/** A home of its own for what npm and the tools write. */
export function environment(home: string): NodeJS.ProcessEnv {
  const PATH = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
  return { PATH, HOME: home, npm_config_cache: join(home, ".npm"), npm_config_update_notifier: "false", CI: "1" };
}

/** How this machine reaches its registry stays as it is: whoever runs it has set that up. */
function installers(home: string): NodeJS.ProcessEnv {
  return { ...process.env, ...environment(home), npm_config_userconfig: join(homedir(), ".npmrc") };
}

function run(home: string, program: string, ...args: readonly string[]): void {
  const options = { cwd: home, env: installers(home), timeout: 600_000 };
  execFileSync(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
}

/** Installs a tool as people do, without its scripts, once for each layout. @throws with the installer's words */
export function lay(home: string, tool: RealTool): readonly Laid[] {
  const [global, prefix, stored] = [join(home, ".npm-global"), join(home, "work/project"), join(home, "work/pnpm")];
  for (const folder of [global, prefix, stored]) mkdirSync(folder, { recursive: true });
  run(home, "npm", "install", "--global", "--prefix", global, ...quiet, tool.npm);
  run(home, "npm", "install", "--prefix", prefix, "--no-package-lock", ...quiet, tool.npm);
  run(home, "npm", "exec", "--yes", ...quiet, `--package=${tool.npm}`, "--", "true");
  const store = join(home, ".local/share/pnpm/store");
  const add = ["add", "--ignore-scripts", "--ignore-workspace", "--dir", stored, "--store-dir", store, tool.npm];
  run(
    home,
    "npm",
    "exec",
    "--yes",
    ...quiet,
    "--cache",
    join(home, "../pnpm"),
    `--package=${pnpm}`,
    "--",
    "pnpm",
    ...add,
  );
  const npx = readdirSync(join(home, ".npm/_npx")).map((name) => join(home, ".npm/_npx", name))[0] ?? "";
  const installed: readonly (readonly [Layout, string, string])[] = [
    ["global", global, join(global, "lib")],
    ["prefix", prefix, prefix],
    ["npx", npx, npx],
    ["pnpm", stored, stored],
  ];
  const laid = installed.map(([layout, folder, at]) => ({ layout, folder, entry: entryOf(at, tool) }));
  return [...laid, copied(home, laid[0]?.entry ?? "", join(global, "lib/node_modules"))];
}

/** The program that a person would carry away: the largest native one of the package where there is one, else what its command leads to. */
function copied(home: string, entry: string, installed: string): Laid {
  const folder = join(home, "copies");
  mkdirSync(folder);
  const natives = programsBelow(installed).toSorted((a, b) => statSync(b).size - statSync(a).size);
  const copy = join(folder, "notes-2026");
  copyFileSync(natives[0] ?? entry, copy);
  chmodSync(copy, 0o755);
  return { layout: "copied", folder, entry: copy };
}

/** Native programs of twenty megabytes and more: a tool, and not its search program (ELF, e_ident of elf(5)), without libraries. */
function programsBelow(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:node|so(?:\.\d+)*|[cm]?js|json|map|wasm)$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
  return files.filter(
    (file) => statSync(file).size > 20 * 2 ** 20 && readFileSync(file).subarray(0, 4).equals(Buffer.from("\u007fELF")),
  );
}

/** The real file that the tool's command leads to, by its manifest. */
function entryOf(at: string, { npm, command }: RealTool): string {
  const folder = realpathSync(join(at, "node_modules", npm));
  const { bin } = manifestOf(folder);
  const file = typeof bin === "string" ? bin : (bin?.[command] ?? Object.values(bin ?? {})[0]);
  const entry = join(folder, file ?? "");
  return existsSync(entry) ? realpathSync(entry) : folder;
}

export function manifestOf(folder: string): z.infer<typeof manifestSchema> {
  return manifestSchema.parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}
