import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { boot, type Booted } from "./booted.ts";
import { buildPackage } from "./package.ts";

const deb = "/root/edict.deb";
const fetches = (path: string): string =>
  `/usr/lib/edict/node -e 'fetch("http://127.0.0.1:8787/${path}").then(async (r) => console.log(await r.text()))'`;

describe.skipIf(lacking("root", "procps", "systemd", "systemd-container") !== undefined)("under systemd", () => {
  let folder = "";
  let machine: Booted;
  const show = (unit: string, property: string): string =>
    machine.run(`systemctl show --property=${property} --value ${unit}`).text.trim();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "edict-units-"));
    machine = await boot();
    machine.bring(buildPackage(folder), deb);
    const { code, text } = machine.run(`dpkg -i ${deb}`);
    if (code !== 0) throw new Error(text);
  });
  afterAll(async () => {
    await machine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the agent waits for enrolment, and the server for an administrator", () => {
    expect(show("edict.service", "ActiveState")).toBe("inactive");
    expect(show("edict.path", "ActiveState")).toBe("active");
    expect(show("edict-server.service", "ActiveState")).toBe("inactive");
    machine.run("systemctl preset edict-server.service");
    expect(show("edict-server.service", "UnitFileState")).toBe("disabled");
  });

  test("the server serves, with no right left and nobody's user", async () => {
    expect(machine.run("systemctl start edict-server")).toEqual({ code: 0, text: "" });
    expect(await machine.until(fetches("healthz"))).toContain('"ok":true');
    const status = machine.run(`cat /proc/${show("edict-server", "MainPID")}/status`).text;
    expect(status).toMatch(/^CapBnd:\s*0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    expect(status).not.toMatch(/^Uid:\s*0/m);
    expect(machine.run("stat -c %a /var/lib/private/edict-server/enrol.secret").text).toBe("600\n");
  });

  test("the server stops when it is told to, and its data are there at the next start", async () => {
    const secret = machine.run("cat /var/lib/private/edict-server/enrol.secret").text;
    machine.run("systemctl stop edict-server");
    expect(show("edict-server", "Result")).toBe("success");
    machine.run("systemctl start edict-server");
    await machine.until(fetches("healthz"));
    expect(machine.run("cat /var/lib/private/edict-server/enrol.secret").text).toBe(secret);
    machine.run("systemctl stop edict-server");
  });

  test("removal stops what runs, and keeps the server's data and says so", async () => {
    machine.run("systemctl start edict-server");
    await machine.until(fetches("healthz"));
    expect(machine.run("dpkg --remove edict").code).toBe(0);
    expect(machine.run("pgrep -f '[/]usr/lib/edict/node'").text).toBe("");
    expect(machine.run("dpkg --purge edict").text).toContain("/var/lib/edict-server");
    expect(machine.run("ls /var/lib/private/edict-server/enrol.secret").code).toBe(0);
  });
});
