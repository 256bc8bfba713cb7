import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { lacking } from "../needs.ts";
import { environment, manifestOf } from "./layouts.ts";
import { audit } from "./look.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "edict-innocent-")));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Popular packages whose names contain a tool's and that are none, nor made by a tool's vendor: found by downloads on 26 November 2026. */
const names = z.array(z.string()).parse(JSON.parse(readFileSync(new URL("innocent.json", import.meta.url), "utf8")));
const together = 20;
const parts = Array.from({ length: Math.ceil(names.length / together) }, (_, i) => ({
  from: i * together,
  part: names.slice(i * together, (i + 1) * together),
}));

/** A package as npm unpacks it, without its scripts and without what it depends on; undefined where it is not to be had any more. */
function unpacked(home: string, name: string): string | undefined {
  const env = { ...process.env, ...environment(base), npm_config_userconfig: join(homedir(), ".npmrc") };
  const folder = join(home, "lib/node_modules", name);
  try {
    const pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", home, name];
    const said = execFileSync("npm", pack, { cwd: home, env, encoding: "utf8", timeout: 120_000 });
    mkdirSync(folder, { recursive: true });
    const from = join(home, said.trim().split("\n").at(-1) ?? "");
    execFileSync("tar", [
      "--extract",
      "--no-same-owner",
      "--file",
      from,
      "--directory",
      folder,
      "--strip-components=1",
    ]);
    rmSync(from);
    return manifestOf(folder).name;
  } catch (error) {
    console.warn(`not to be had: ${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return undefined;
  }
}

test.each(parts)("$from and up: packages that only have a tool's name are proven to be nothing", async ({ part }) => {
  const home = join(base, "home");
  mkdirSync(home);
  try {
    const had = part.flatMap((name) => unpacked(home, name) ?? []);
    expect(had.length).toBeGreaterThan(part.length / 2);
    const findings = await audit(home);
    for (const { tool, where, known } of findings) console.log(`${tool}: ${where}: ${known[0]?.text}`);
    expect(findings.filter(({ grade }) => grade === "proof")).toEqual([]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("nothing in this machine's /usr is proven to be a tool, but what is installed there as one", async () => {
  const proven = (await audit("/usr")).filter(({ grade }) => grade === "proof");
  expect(proven.map(({ tool, where }) => `${tool}: ${where}`)).toEqual([]);
});

/** Programs of Debian's with a tool's name: bioinformatics, astronomy, games, solvers. */
const namesakes = [
  "q",
  "grok",
  "pi",
  "warp",
  "forge",
  "atlas",
  "tor",
  "gpt",
  "coinor-cbc",
  "zfs-zed",
  "gemini",
  "goose",
];

test.skipIf(lacking("root") !== undefined)(
  "Debian's programs with a tool's name are proven to be nothing",
  async () => {
    const home = join(base, "debian");
    mkdirSync(home);
    const had = namesakes.filter((name) => {
      try {
        execFileSync("apt-get", ["download", name], { cwd: home, stdio: "pipe" });
        return true;
      } catch {
        console.warn(`not to be had: Debian's ${name}`);
        return false;
      }
    });
    for (const name of readdirSync(home).filter((one) => one.endsWith(".deb")))
      execFileSync("dpkg-deb", ["--extract", join(home, name), join(home, "root")]);
    expect(had.length).toBeGreaterThan(3);
    expect(statSync(join(home, "root/usr")).isDirectory()).toBe(true);
    const findings = await audit(home);
    console.log(
      `${had.join(", ")}: ${findings.map(({ tool, where }) => `${tool} by ${where}`).join(", ") || "not even a hint"}`,
    );
    expect(findings.filter(({ grade }) => grade === "proof")).toEqual([]);
  },
);
