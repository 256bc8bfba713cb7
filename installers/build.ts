import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { verbs } from "#cli/verbs.ts";
import { bundle } from "./bundle.ts";
import { thirdParty } from "./licences.ts";
import { buildDeb } from "./linux/deb.ts";
import { manPage } from "./man.ts";

/** `node installers/build.ts [--deb] [--out FOLDER]`: what `npm run build` and `npm run build:deb` do. */
const { values } = parseArgs({
  options: { deb: { type: "boolean", default: false }, out: { type: "string", default: "dist" } },
});
const root = join(import.meta.dirname, "..");
const out = resolve(values.out);
const app = join(out, "edict");
mkdirSync(out, { recursive: true });
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

const { packages } = await bundle(root, app);
console.log(`${app}: the bundle, for Node ${process.version}`);
if (values.deb) await deb();

async function deb(): Promise<void> {
  const epoch = sourceDate();
  const linux = join(root, "installers/linux");
  const pages = { version, epoch };
  const file = buildDeb({
    root,
    version,
    epoch,
    bundle: (into) => cpSync(app, into, { recursive: true }),
    manPages: {
      "edict.1": await manPage(linux, 1, { program: "edict", verbs, ...pages }),
      "edict-server.8": await manPage(linux, 8, { program: "edict-server", verbs: [], ...pages }),
    },
    thirdParty: thirdParty(root, packages),
    folder: out,
  });
  console.log(`${file}: ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB`);
}

/** The time of the last commit, unless the builder says another. */
function sourceDate(): number {
  const said = process.env["SOURCE_DATE_EPOCH"];
  const text = said ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  return z.coerce.number().int().positive().parse(text.trim());
}
