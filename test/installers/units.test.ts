import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { boot, type Booted } from "./booted.ts";
import { buildPackage } from "./package.ts";

const deb = "/root/edict.deb";
const fetches = (path: string): string =>
  `/usr/lib/edict/node -e 'fetch("http://127.0.0.1:8787/${path}").then(async (r) => console.log(await r.text()))'`;

/** Succeeds once another process is the agent's. */
const fresh = (old: string): string =>
  `systemctl is-active edict && systemctl show -p MainPID --value edict | grep -vx -e ${old} -e 0 | grep -q .`;
const data = "/var/lib/private/edict-server";
const banOf = (identity: object): object => ({
  formatVersion: 1,
  name: "stand-in-policy",
  bans: [
    {
      id: "stand-in",
      tool: "stand-in",
      reason: "It stands in for a tool.",
      owner: "security@example.com",
      stages: [{ from: "2020-01-01T00:00:00Z", mode: "block" }],
      message: { en: "No stand-ins here." },
    },
  ],
  tools: [{ id: "stand-in", name: "Stand-in", vendor: "Example", identities: [identity] }],
});

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

  test("an administrator sets up the repository with the installed program alone", async () => {
    machine.run("useradd --create-home ann && cp /usr/bin/sleep /home/ann/stand-in && printf x >> /home/ann/stand-in");
    const sha256 = machine.run("sha256sum /home/ann/stand-in").text.slice(0, 64);
    const size = Number(machine.run("stat -c %s /home/ann/stand-in").text);
    writeFileSync(join(folder, "ban.json"), JSON.stringify(banOf({ kind: "hash", sha256, size })));
    machine.bring(join(folder, "ban.json"), "/root/ban.json");
    machine.run("systemctl start edict-server");
    await machine.until(fetches("healthz"));
    const { code, text } = machine.run(`set -e
      cd /root && echo "a passphrase of some length" > pass
      edict policy lint ban.json
      edict keys create boss --passphrase-file pass
      edict trust init repo --root-keys boss.key --keys-dir keys --passphrase-file pass
      edict policy sign ban.json --repo repo --key boss.key --passphrase-file pass --yes --out proposal.json \
        --catalog /usr/lib/edict/policies/catalog
      cp -r repo keys ${data}/ && chown -R --reference=${data}/enrol.secret ${data}/repo ${data}/keys
      edict policy push proposal.json --server http://127.0.0.1:8787`);
    expect({ code, text }).toMatchObject({ code: 0 });
  });

  test("the agent starts by itself once the machine is enrolled, with the rights it names and no other", async () => {
    const { code, text } = machine.run(`set -e
      install -m 600 ${data}/enrol.secret /etc/edict/enrol.secret && install -m 600 ${data}/repo/1.root.json /etc/edict/root.json
      edict enroll --server http://127.0.0.1:8787 --secret-file /etc/edict/enrol.secret --root /etc/edict/root.json`);
    expect({ code, text }).toMatchObject({ code: 0 });
    await machine.until("systemctl is-active edict.service");
    const status = machine.run(`cat /proc/${show("edict", "MainPID")}/status`).text;
    expect(status).toMatch(/^CapEff:\s*00000000202810ef$/m);
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    expect(await machine.until("edict status | grep stand-in-policy")).toContain("1 ban");
  });

  test("nothing in its confinement keeps the agent from its work", async () => {
    const doctor = JSON.parse(machine.run("edict doctor --json").text) as { capabilities: object; lines: object };
    const up = { up: true };
    expect(doctor.capabilities).toMatchObject({ stop: up, quarantine: up, terminal: up, session: up });
    // It has the rights, and does not gate: this copy shares its files with the machine outside.
    const gate = { up: false, why: expect.stringContaining("in a container") as string };
    expect(doctor.lines).toMatchObject({ gate, sweep: { up: true } });
    const terminal = `script --quiet --return --command "/home/ann/stand-in 40; sleep 1" /dev/null < /dev/null`;
    const seen = machine.run(`setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann ${terminal}`).text;
    expect(seen).toContain("Stand-in was stopped.");
    expect(seen).toContain("No stand-ins here.");
    expect(machine.run("setpriv --reuid ann --regid ann --init-groups edict status").text).toContain(
      "/home/ann/stand-in",
    );
  });

  test("an agent that is killed comes back, and one that hangs is killed", async () => {
    const first = show("edict", "MainPID");
    machine.run("systemctl kill --signal=KILL --kill-who=main edict");
    await machine.until(fresh(first));
    await machine.until("systemctl show -P WatchdogUSec edict | grep -x 3s"); // it has asked for more, as long as it makes its policy ready
    const second = show("edict", "MainPID");
    await machine.until("edict status");
    machine.run("systemctl kill --signal=STOP --kill-who=main edict");
    await machine.until(fresh(second));
    expect(machine.run("journalctl -u edict -o cat").text).toContain("Watchdog timeout");
  });

  test("an upgrade goes on with the same device and the same policy", async () => {
    const device = machine.run("edict status | grep ^device").text;
    const old = show("edict", "MainPID");
    expect(machine.run(`dpkg -i ${deb}`).code).toBe(0);
    await machine.until("edict status | grep stand-in-policy");
    expect(show("edict", "MainPID")).not.toBe(old);
    expect(machine.run("edict status | grep ^device").text).toBe(device);
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
