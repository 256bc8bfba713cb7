import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build, type Metafile } from "esbuild";

/** What was bundled: the npm packages whose code is inside, as folders below the repository ("node_modules/zod"). */
export interface Bundle {
  readonly packages: readonly string[];
}

const entries = ["cli/main.ts", "server/main.ts", "trust/courier-main.ts", "cli/audit-walk-main.ts"] as const;

/** CommonJS packages inside an ES module bundle ask for `require`. */
const banner = `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/**
 * The programs into `out`: app/cli/main.mjs, app/server/main.mjs, the courier's and a thread's, what they share in app/chunks/,
 * policies/ beside app/, and koffi's machine code in node_modules/. What looks for files lies two folders deep, as
 * `src/<folder>/<file>.ts` does, so that a look-up such as new URL("../../policies/", import.meta.url) is right in both places.
 */
export async function bundle(root: string, out: string): Promise<Bundle> {
  refuseOtherDepths(root);
  rmSync(out, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => join("src", entry)),
    outbase: "src",
    outdir: join(out, "app"),
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node26",
    banner: { js: banner },
    // pg loads it only where somebody installed it.
    external: ["pg-native"],
    // Names stay, for stack traces; comments go: one letter that is not Latin-1 makes the engine keep the file in two bytes each.
    minifyWhitespace: true,
    metafile: true,
    logLevel: "warning",
  });
  for (const entry of entries) dropShebang(join(out, "app", entry.replace(".ts", ".mjs")));
  copyBesideUsers(root, out, metafile);
  copyKoffi(root, out);
  for (const folder of ["catalog", "schema", "examples"])
    cpSync(join(root, "policies", folder), join(out, "policies", folder), { recursive: true });
  return { packages: packagesIn(metafile) };
}

/** `#!/usr/bin/env node` names whatever Node the caller has; the bundle is for the one it is shipped with. */
function dropShebang(file: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(/^#!.*\n/, ""));
}

/** A look-up from another depth would work from source and fail once installed. */
function refuseOtherDepths(root: string): void {
  const wrong = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("server/console/") && file.split("/").length !== 2)
    .filter((file) => /import\.meta\.(url|dirname|filename)/.test(readFileSync(join(root, "src", file), "utf8")));
  if (wrong.length > 0) throw new Error(`import.meta look-ups only from src/<folder>/<file>.ts: ${wrong.join(", ")}`);
}

/** PGlite opens its WebAssembly and its data beside the module that runs. */
function copyBesideUsers(root: string, out: string, metafile: Metafile): void {
  const dist = "node_modules/@electric-sql/pglite/dist";
  const folders = Object.entries(metafile.outputs)
    .filter(([, output]) => Object.keys(output.inputs).some((input) => input.startsWith(dist)))
    .map(([file]) => dirname(join(root, file)));
  for (const folder of new Set(folders))
    for (const file of ["pglite.wasm", "initdb.wasm", "pglite.data"])
      cpSync(join(root, dist, file), join(folder, file));
  const strays = [...new Set(folders)].filter((folder) => relative(join(out, "app"), folder).includes(".."));
  if (strays.length > 0) throw new Error(`outside the bundle: ${strays.join(", ")}`);
}

/** koffi asks Node for its machine code by package name; of the two C libraries it knows, glibc's is ours. */
function copyKoffi(root: string, out: string): void {
  const name = `node_modules/@koromix/koffi-linux-${process.arch}`;
  mkdirSync(join(out, name), { recursive: true });
  for (const file of ["package.json", "index.js", `linux_${process.arch}`])
    cpSync(join(root, name, file), join(out, name, file), { recursive: true });
}

/** From "node_modules/a/node_modules/@b/c/x.js" the folder "node_modules/a/node_modules/@b/c". */
function packagesIn(metafile: Metafile): readonly string[] {
  const used = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const folders = used.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
  return [...new Set([...folders, `node_modules/@koromix/koffi-linux-${process.arch}`])].toSorted();
}
