import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, linkSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Platform, TerminalRun } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import type { OcsfEvent, ProcessActivity } from "#protocol/ocsf.ts";
import { noDesktop, startDesktop, type Desktop } from "../desktop.ts";
import { SetClock } from "../fakes/clock.ts";
import { lacking } from "../needs.ts";
import { faults } from "../report/ocsf-schema.ts";
import { example, installTools, onlyUsers, startHouse, until, type Running } from "./house.ts";

const folder = mkdtempSync(join(tmpdir(), "edict-e2e-"));
const missing =
  lacking("root", "vim-tiny") ??
  noDesktop() ??
  installTools(join(folder, "tools"), "@anthropic-ai/claude-code", "@qoder-ai/qodercli");

/** A program on a terminal of the person's, started from a shell, and what that terminal showed. */
interface Launch {
  readonly run: TerminalRun;
  readonly screen: () => string;
}

describe.skipIf(missing !== undefined)("the ban of 10 July, on the real tools", () => {
  const clock = new SetClock("2026-07-02T12:00:00+08:00");
  // More toasts than usual: this day has more launches than a person's.
  const policy = { ...example("ban-claude-code.json"), limits: { notifyPerDay: 20 } };
  let desktop: Desktop;
  let platform: Platform;
  let house: Running;
  let bus: ChildProcess;
  let toasts = "";
  let claude = "";
  const launches: TerminalRun[] = [];

  const launch = (
    program: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Launch => {
    let screen = "";
    const { uid, gid, home } = desktop;
    const run = platform.runInTerminal("/bin/sh", ["-c", '"$0" "$@"; echo "[exit $?]"; read _', program, ...args], {
      as: { uid, gid },
      cwd: home,
      env: { ...desktop.env, PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...env },
      onOutput: (text) => (screen += text),
    });
    launches.push(run);
    return { run, screen: () => screen };
  };
  const ended = ({ screen }: Launch): boolean => /\[exit \d+\]/u.test(screen());
  /** By SIGTERM or SIGKILL: 128 and the signal's number (sh(1)). */
  const stopped = ({ screen }: Launch): boolean => /\[exit (?:143|137)\]/u.test(screen());
  /** Claude Code as a server for an editor: it stays without a network. */
  const serve = ["mcp", "serve"];
  /** Passes when two more sweeps have begun and ended. */
  const twoSweeps = async (): Promise<void> => {
    const { sweeps } = (await house.status()).watching;
    await until("two sweeps have seen it", async () => (await house.status()).watching.sweeps > sweeps + 2);
  };
  const launched = async (): Promise<readonly ProcessActivity[]> =>
    (await house.reports()).filter((event): event is OcsfEvent & ProcessActivity => event.class_uid === 1007);
  const denied = async (path: string): Promise<readonly ProcessActivity[]> =>
    (await launched()).filter((event) => event.action_id === 2 && event.process.file?.path === path);

  beforeAll(async () => {
    platform = await selectPlatform();
    desktop = await startDesktop({ user: "edict-e2e", language: "en" });
    execFileSync("useradd", ["--create-home", "claude"]);
    const { uid, gid, home, env } = desktop;
    renameSync(join(folder, "tools"), join(home, ".npm-global"));
    execFileSync("chown", ["-R", `${uid}:${gid}`, join(home, ".npm-global")]);
    claude = join(home, ".npm-global/bin/claude");
    // What the notification server is asked to draw, in words.
    bus = spawn("dbus-monitor", ["--session", "interface='org.freedesktop.Notifications'"], { uid, gid, env });
    bus.stdout?.on("data", (chunk: Buffer) => (toasts += chunk.toString()));
    const claudeUid = Number(execFileSync("id", ["-u", "claude"]));
    house = await startHouse({ folder, clock, policy, platform: await onlyUsers(uid, claudeUid) });
  }, 300_000);

  afterAll(async () => {
    for (const run of launches) run.stop();
    await house?.stop();
    bus?.kill();
    await desktop?.stop();
    execFileSync("userdel", ["--remove", "--force", "claude"], { stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  });

  let early: Launch;

  test("before its first stage the ban does not exist", async () => {
    early = launch(claude, serve);
    await until("the agent has its policy", async () => (await house.status()).policy.version > 0);
    await twoSweeps();
    expect(ended(early)).toBe(false);
    expect(await launched()).toEqual([]);
  });

  test("from 3 July a launch is told of, and runs", async () => {
    await house.setTime("2026-07-09T12:00:00+08:00");
    const told = launch(claude, serve);
    await until("the launch is reported", async () => (await launched()).length > 0);
    await until("the terminal has the words", () => told.screen().includes("qodercli"));
    expect(ended(told)).toBe(false);
    expect(await launched()).toSatisfy((events: ProcessActivity[]) => events.every((event) => event.action_id !== 2));
  });

  test("on 10 July who runs it already is told and has ten minutes, then it is stopped", async () => {
    const before = early.screen().length;
    await house.setTime("2026-07-10T00:00:01+08:00");
    await until("the person is told of the end", () => early.screen().slice(before).includes("qodercli"));
    expect(ended(early)).toBe(false);
    await house.setTime("2026-07-10T00:10:30+08:00");
    await until("it is stopped", () => stopped(early));
  });

  test("the toast says why, and what to use instead", async () => {
    const seen = toasts.length;
    const tool = launch(claude, serve);
    await until("it is stopped", () => stopped(tool));
    await desktop.toast();
    desktop.screenshot(new URL("../../artefacts/e2e-toast.png", import.meta.url).pathname);
    await expect.poll(() => toasts.slice(seen), { timeout: 30_000 }).toContain("not approved here since 10 July");
    expect(toasts.slice(seen)).toContain("qodercli");
    tool.run.stop();
  });

  const disguises: readonly (readonly [string, () => string])[] = [
    ["under its own name", () => claude],
    [
      "renamed",
      () => {
        const to = join(desktop.home, "notes");
        renameSync(join(desktop.home, ".npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe"), to);
        return to;
      },
    ],
    [
      "copied",
      () => {
        const to = join(desktop.home, "harmless");
        cpSync(join(desktop.home, "notes"), to);
        execFileSync("chown", [`${desktop.uid}:${desktop.gid}`, to]);
        return to;
      },
    ],
    [
      "hard-linked",
      () => {
        const to = join(desktop.home, "linked");
        linkSync(join(desktop.home, "notes"), to);
        return to;
      },
    ],
    [
      "through a symlink",
      () => {
        const to = join(desktop.home, "pointer");
        symlinkSync(join(desktop.home, "harmless"), to);
        return to;
      },
    ],
  ];

  test.each(disguises)("claude is stopped %s", async (_, make) => {
    const before = (await launched()).length;
    const program = make();
    const tool = launch(program, serve);
    await until("it is stopped", () => stopped(tool));
    await until("the terminal has the words", () => tool.screen().includes("edict request claude-code"));
    expect(tool.screen()).toContain("not approved here since 10 July");
    expect(tool.screen()).toContain("qodercli");
    await until("the server has the report", async () => (await launched()).length > before);
    tool.run.stop();
  });

  test("a person whose terminal speaks Chinese reads Chinese", async () => {
    const tool = launch(join(desktop.home, "harmless"), serve, { LANG: "zh_CN.UTF-8" });
    await expect.poll(tool.screen, { timeout: 30_000 }).toContain("自 7 月 10 日起");
    tool.run.stop();
  });

  test("the approved replacement runs", async () => {
    const qoder = launch(join(desktop.home, ".npm-global/bin/qodercli"), ["--version"]);
    await until("it has said its version", () => ended(qoder));
    expect(qoder.screen()).toMatch(/\d+\.\d+\.\d+\s+\[exit 0\]/u);
  });

  test("nobody innocent is touched: vim claude.md, grep -r claude, a folder and a user called claude", async () => {
    const place = join(desktop.home, "claude");
    mkdirSync(place);
    writeFileSync(join(place, "claude.md"), "# claude\n");
    execFileSync("mkfifo", [join(place, "pipe")]);
    const { uid } = desktop;
    execFileSync("chown", ["-R", String(uid), place]);
    const innocent = [
      launch("/usr/bin/vim.tiny", [join(place, "claude.md")]),
      launch("/bin/grep", ["-r", "--devices=read", "claude", place, join(place, "pipe")]),
    ];
    const id = Number(execFileSync("id", ["-u", "claude"]));
    const ofClaude = spawn("/bin/sleep", ["300"], { uid: id, gid: id, cwd: "/home/claude" });
    const before = (await launched()).length;
    await twoSweeps();
    expect(innocent.map(ended)).toEqual([false, false]);
    expect(ofClaude.exitCode).toBeNull();
    expect(await launched()).toHaveLength(before);
    ofClaude.kill();
  });

  test("every report is there once, and holds to the schema", async () => {
    const events = await house.reports();
    expect(new Set(events.map((event) => event.metadata.uid)).size).toBe(events.length);
    expect(events.flatMap(faults)).toEqual([]);
    expect(await denied(join(desktop.home, "notes"))).toHaveLength(1);
    expect(await denied(join(desktop.home, "linked"))).toHaveLength(1);
  });

  test("after the policy is withdrawn it runs again", async () => {
    await house.publish({ name: "nothing", bans: [], allowEmpty: true });
    await until("the agent has taken it", async () => (await house.status()).policy.name === "nothing");
    const before = (await launched()).length;
    const free = launch(join(desktop.home, "harmless"), serve);
    await twoSweeps();
    expect(ended(free)).toBe(false);
    expect(await launched()).toHaveLength(before);
  });
});
