// Does each attack's test fail in a client that does not look? Takes each attack's checks out of a copy of this tree, and runs that test.
//   node test/trust/attacks/unchecked.ts [part of a name]
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Attack } from "./attack.ts";
import { attacks } from "./table.ts";

const here = fileURLToPath(new URL("../../../", import.meta.url));
const wanted = process.argv[2] ?? "";
const copy = await mkdtemp(join(tmpdir(), "edict-unchecked-"));

/** The line that holds a check, replaced. @throws where the check stands there no more, or twice */
function unchecked(source: string, { line, without }: Attack["checks"][number]): string {
  const lines = source.split("\n");
  const found = lines.filter((text) => text.includes(line));
  if (found.length !== 1) throw new Error(`"${line}" stands there ${found.length} times`);
  return lines.map((text) => (text.includes(line) ? without : text)).join("\n");
}

function fails({ name, does }: Attack): Promise<boolean> {
  const args = ["run", "test/trust/attacks", "--testTimeout=15000", "-t", `${name}.*${does}$`.replace(/[^\w$*]/g, ".")];
  const program = join(here, "node_modules/vitest/vitest.mjs");
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], { cwd: copy, timeout: 120_000 }, (error, stdout) => {
      if (!/Tests .*1 (passed|failed)/.test(stdout)) reject(new Error(`not one test ran:\n${stdout}`));
      else resolve(error !== null);
    });
  });
}

try {
  for (const part of ["src", "test", "policies", "package.json", "tsconfig.json"])
    await cp(join(here, part), join(copy, part), { recursive: true });
  await symlink(join(here, "node_modules"), join(copy, "node_modules"));
  await writeFile(join(copy, "vitest.config.ts"), "export default {};\n");
  for (const attack of attacks.filter(({ name, does }) => `${name} ${does}`.includes(wanted))) {
    const originals = new Map<string, string>();
    for (const check of attack.checks) {
      const file = join(copy, check.file);
      const source = await readFile(file, "utf8");
      if (!originals.has(file)) originals.set(file, source);
      await writeFile(file, unchecked(source, check));
    }
    const noticed = await fails(attack);
    for (const [file, source] of originals) await writeFile(file, source);
    process.stdout.write(`${noticed ? "fails, as it should" : "STILL PASSES"}  ${attack.name}: ${attack.does}\n`);
    if (!noticed) process.exitCode = 1;
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}
