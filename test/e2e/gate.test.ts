import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { OcsfEvent, ProcessActivity } from "#protocol/ocsf.ts";
import { noDesktop, startDesktop, type Desktop } from "../desktop.ts";
import { SetClock } from "../fakes/clock.ts";
import { lacking } from "../needs.ts";
import { faults } from "../report/ocsf-schema.ts";
import { example, installTools, onlyUsers, startHouse, until, type Running } from "./house.ts";

/** A filesystem of the test's own: the gate holds nothing else. */
const folder = mkdtempSync(join(tmpdir(), "edict-gated-"));
const prefix = mkdtempSync(join(tmpdir(), "edict-tools-"));
const missing = lacking("root") ?? noDesktop() ?? installTools(prefix, "@anthropic-ai/claude-code");

describe.skipIf(missing !== undefined)("the ban of 10 July at the gate", () => {
  const clock = new SetClock("2026-07-09T12:00:00+08:00");
  const mount = join(folder, "gated");
  const tool = join(mount, "lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe");
  let desktop: Desktop;
  let platform: Platform;
  let house: Running;

  /** What a person's terminal shows when they start a program from their shell. */
  const launch = async (...command: readonly string[]): Promise<string> => {
    let screen = "";
    const { uid, gid, home } = desktop;
    const run = platform.runInTerminal("/bin/sh", ["-c", '"$@"; echo "[exit $?]"; read _', "sh", ...command], {
      as: { uid, gid },
      cwd: home,
      env: { ...desktop.env, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
      onOutput: (text) => (screen += text),
    });
    await until(
      "the program has ended, and the words are there",
      () =>
        /\[exit \d+\]/u.test(screen) && (!/\[exit 126\]/u.test(screen) || screen.includes("edict request claude-code")),
    );
    run.stop();
    return screen;
  };
  const denials = async (): Promise<readonly (OcsfEvent & ProcessActivity)[]> =>
    (await house.reports()).filter(
      (event): event is OcsfEvent & ProcessActivity => event.class_uid === 1007 && event.action_id === 2,
    );

  beforeAll(async () => {
    platform = await selectPlatform();
    desktop = await startDesktop({ user: "edict-gate", language: "en" });
    mkdirSync(mount);
    execFileSync("mount", ["-t", "tmpfs", "edict-test", mount]);
    execFileSync("cp", ["-a", `${prefix}/.`, mount]);
    execFileSync("chown", ["-R", `${desktop.uid}:${desktop.gid}`, mount]);
    for (const open of [folder, mount]) chmodSync(open, 0o755);
    house = await startHouse({
      folder,
      clock,
      policy: { ...example("ban-claude-code.json"), limits: { notifyPerDay: 20 } },
      platform: await onlyUsers(desktop.uid),
      gate: [mount],
    });
    await until("the gate is up", async () => (await house.status()).lines.gate.up);
  }, 300_000);

  afterAll(async () => {
    await house?.stop();
    await desktop?.stop();
    execFileSync("umount", ["--lazy", mount]);
    for (const path of [folder, prefix]) rmSync(path, { recursive: true, force: true });
  });

  test("before 10 July it runs", async () => {
    expect(await launch(tool, "--version")).toContain("[exit 0]");
  });

  test("on 10 July it does not begin, and the person reads why and what instead", async () => {
    await house.setTime("2026-07-10T00:00:01+08:00");
    let screen = "";
    // The gate hears of the new time within a second.
    await expect
      .poll(async () => (screen = await launch(tool, "--version")), { timeout: 50_000 })
      .toContain("[exit 126]");
    expect(screen).toContain("not approved here since 10 July");
    expect(screen).toContain("qodercli");
  });

  test("nor under another name, and each launch is reported once", async () => {
    const other = join(mount, "harmless");
    copyFileSync(tool, other);
    chmodSync(other, 0o755);
    chownSync(other, desktop.uid, desktop.gid);
    expect(await launch(other, "--version")).toContain("[exit 126]");
    const of = async (): ReturnType<typeof denials> =>
      (await denials()).filter((event) => event.process.file?.path === other);
    await until("the server has the report", async () => (await of()).length > 0);
    const reports = await of();
    expect(reports).toHaveLength(1);
    expect(reports.flatMap((event) => faults(event))).toEqual([]);
    expect(reports[0]).toMatchObject({ disposition_id: 2, actor: { user: { name: "edict-gate" } } });
  });

  test("reading it is not running it, and through the loader it is", async () => {
    expect(await launch("head", "-c", "4", tool)).toContain("[exit 0]");
    const loader = "/lib64/ld-linux-x86-64.so.2";
    expect(await launch(loader, tool, "--version")).not.toContain("[exit 0]");
  });

  test("what is approved, and what is nobody's business, begins as ever", async () => {
    const mine = join(mount, "mine");
    copyFileSync("/bin/true", mine);
    chmodSync(mine, 0o755);
    expect(await launch(mine)).toContain("[exit 0]");
  });

  test("when the ban is withdrawn it runs", async () => {
    await house.publish({ ...example("ban-claude-code.json"), bans: [], allowEmpty: true });
    await until("the gate has gone", async () => !(await house.status()).lines.gate.up);
    renameSync(join(mount, "harmless"), join(mount, "again"));
    expect(await launch(join(mount, "again"), "--version")).toContain("[exit 0]");
  });
});
