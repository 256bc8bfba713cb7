import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { buildPackage, version } from "./package.ts";
import { throwaway, type Throwaway } from "./throwaway.ts";

/** Where the package lies inside. */
const inside = "/root/edict.deb";

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

describe.skipIf(lacking("root", "lintian", "procps", "systemd") !== undefined)("the Debian package", () => {
  let folder = "";
  let deb = "";
  let root: Throwaway;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "edict-deb-"));
    deb = buildPackage(folder);
    root = await throwaway("live");
    root.bring(deb, inside);
    const { code, text } = root.run(`dpkg -i ${inside}`);
    if (code !== 0) throw new Error(text);
  });
  afterAll(async () => {
    await root.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("installs where systemd does not run, and the program says the release", () => {
    expect(root.run("edict --version")).toEqual({ code: 0, text: `${version}\n` });
    expect(root.run("dpkg --verify edict")).toEqual({ code: 0, text: "" });
  });

  test("runs on the runtime it brings, whatever Node settings the caller has", () => {
    const env = { NODE_OPTIONS: "--require=/nonexistent.cjs", NODE_PATH: "/nonexistent", PATH: "/nonexistent" };
    expect(root.run("/usr/bin/edict help exit-codes", env)).toMatchObject({ code: 0 });
  });

  test("answers a person whose folder is gone", () => {
    expect(root.run("mkdir /tmp/gone && cd /tmp/gone && rmdir /tmp/gone && edict --version")).toMatchObject({
      code: 0,
    });
  });

  test("brings the catalog and the examples that its commands need", () => {
    const examples = root.run("ls /usr/share/doc/edict/examples/*.json").text.trim().split("\n");
    expect(examples.length).toBeGreaterThan(1);
    expect(root.run(`edict policy lint ${examples.join(" ")}`)).toMatchObject({ code: 0 });
    expect(root.run("edict policy lint /usr/share/doc/edict/SECURITY.md")).toMatchObject({ code: 2 });
  });

  test("passes on the licence of every npm package inside", async () => {
    const licences = root.run("cat /usr/share/doc/edict/third-party.txt").text;
    const text = await bundledText();
    const bundled = text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm);
    const names = new Set([...bundled].map((match) => match[1] ?? ""));
    expect(names.size).toBeGreaterThan(20);
    for (const name of names) expect(licences).toContain(`\n${name} `);
  });

  test("brings nothing that anybody but root can write, and no program that takes on rights", () => {
    const files = root.run("dpkg -L edict | xargs -d '\\n' stat -c '%A %U:%G %n'").text.trim().split("\n");
    const odd = files.filter((line) => !/^(l\S+|[-d]r[-w][-x](r-[-x]r-[-x]|------)) root:root \//.test(line));
    expect(odd).toEqual([]);
    expect(files.find((line) => line.endsWith(" /etc/edict"))).toMatch(/^drwx------ /);
  });

  test("enables the agent, so that it starts at the next boot, but not the server", () => {
    const states = root.run("systemctl --root=/ is-enabled edict.service edict.path edict-server.service").text;
    expect(states.trim().split("\n")).toEqual(["enabled", "enabled", "disabled"]);
  });

  test("keeps an administrator's decision to disable the agent over an upgrade", () => {
    root.run("systemctl --root=/ disable edict.service");
    expect(root.run(`dpkg -i ${inside}`)).toMatchObject({ code: 0 });
    expect(root.run("systemctl --root=/ is-enabled edict.service").text.trim()).toBe("disabled");
    root.run("systemctl --root=/ enable edict.service");
  });

  test("has units that systemd understands", () => {
    const units = "edict.service edict.path edict-server.service".replaceAll("edict", "/lib/systemd/system/edict");
    const { code, text } = root.run(`systemd-analyze verify --man=yes ${units}`);
    expect(text).toBe("");
    expect(code).toBe(0);
  });

  // Ten is a plain unit. What is absent in the agent's, the unit says why.
  test.each([
    ["edict.service", 5.5],
    ["edict-server.service", 1.4],
  ])("confines %s to an exposure of %d or less", (unit, most) => {
    const { text } = root.run(`systemd-analyze security --offline=true /lib/systemd/system/${unit}`);
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1])).toBeLessThanOrEqual(most);
  });

  test("has manual pages that name every command and every exit code", () => {
    const page = root.run("man --warnings -P cat edict", { MANWIDTH: "200" }).text.replaceAll("‐", "-");
    expect(page).not.toContain("warning:");
    for (const line of root.run("edict help exit-codes").text.trim().split("\n")) {
      const [, , ...meaning] = line.trim().split(/\s+/);
      expect(page.replaceAll(/\s+/g, " ")).toContain(meaning.join(" "));
    }
    const commands = [...root.run("edict --help").text.matchAll(/^ {2}([a-z]+)/gm)].map((m) => m[1] ?? "");
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) expect(page).toContain(`edict ${command}`);
    const server = root.run("man --warnings -P cat edict-server", { MANWIDTH: "200" }).text.replaceAll("‐", "-");
    expect(server).not.toContain("warning:");
    const options = root.run("edict-server serve --help").text.match(/--[a-z-]+/g) ?? [];
    for (const option of options.filter((o) => o !== "--help")) expect(server).toContain(option);
  });

  test("is clean for lintian, but for what the overrides explain", () => {
    // It would look for misspelt words in 150 MB of Node for half of its time, and find matters of taste.
    const how = ["--allow-root", "--fail-on", "error,warning", "--dont-check-part", "binaries/spelling"];
    const { stdout, status } = spawnSync("/usr/bin/lintian", [...how, deb], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  }, 240_000);

  test("is the same, bit for bit, when it is built again", () => {
    expect(digest(buildPackage(folder))).toBe(digest(deb));
  });

  test("leaves when it is removed, says where quarantined files are, and deletes them never", () => {
    const kept = "/var/lib/edict/quarantine/0198/file";
    root.run(`mkdir -p ${kept.replace("/file", "")} && echo mine > ${kept} && echo '{}' > /var/lib/edict/device.json`);
    root.run("mkdir -p /etc/edict && echo '{}' > /etc/edict/agent.json");
    const removal = root.run("dpkg --remove edict");
    expect(removal.text).toContain("/var/lib/edict/quarantine");
    expect(root.run("ls /usr/bin/edict /usr/lib/edict").code).not.toBe(0);
    const purge = root.run("dpkg --purge edict");
    expect(purge).toMatchObject({ code: 0 });
    expect(purge.text).toContain("/var/lib/edict/quarantine");
    // What man(1) has cached is man's.
    const left = "find /etc /lib /run /usr /var -xdev -name 'edict*' ! -path '/var/cache/man/*'";
    expect(root.run(left).text).toBe("/var/lib/edict\n");
    expect(root.run("find /var/lib/edict -type f").text).toBe(`${kept}\n`);
  });
});

/** What is bundled, with the comments that say where each part comes from; the package's own files have none. */
async function bundledText(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: join(import.meta.dirname, "../.."),
    entryPoints: ["src/cli/main.ts", "src/server/main.ts"],
    outdir: "unwritten",
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["pg-native"],
    write: false,
    logLevel: "silent",
  });
  return outputFiles.map((file) => file.text).join("\n");
}
