import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { runAgent } from "#agent/main.ts";
import type { Clock } from "#lib/clock.ts";
import { instantOf } from "#lib/pure/instant.ts";
import type { Platform } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";
import { startDesktop, type Desktop } from "../desktop.ts";
import { startEstate } from "./estate.ts";

/**
 * `npm run picture`: docs/stopped.png. A person types `claude` in an xterm, and a real agent with the policy of
 * policies/examples stops what starts. `claude` is a stand-in: a script that waits, in a folder that says it is the package.
 * Needs root, and Debian's xterm, openbox, xvfb, xdotool, imagemagick, dbus, notification-daemon, fonts-dejavu-core.
 */
const root = join(import.meta.dirname, "../..");
const out = join(root, "docs/stopped.png");
/** Where the terminal stands on the screen, below and left of where toasts come; and what of the screen is shown. */
const geometry = "82x21+84+96";
const crop = "958x588+66+0";
const wallpaper = ["-size", "1024x600", "gradient:#5b7fa6-#2c3e5c"];

/** After the day of the ban, whatever this machine says. */
const banned = Date.parse("2026-07-13T09:00:00+08:00");
const lead = Math.max(0, banned - Date.now());
const clock: Clock = { now: () => instantOf(Date.now() + lead) };

const patience = 30_000;
async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + patience; !holds(); await after(100))
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`);
}

/** What npm would leave in a home, with nothing inside that does anything. */
function installStandIn({ home, uid, gid }: Desktop): void {
  const folder = join(home, ".local/lib/node_modules/@anthropic-ai/claude-code");
  const bin = join(home, ".local/bin");
  mkdirSync(folder, { recursive: true });
  mkdirSync(bin);
  const manifest = { name: "@anthropic-ai/claude-code", version: "2.1.197", bin: { claude: "cli.js" } };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest)}\n`);
  writeFileSync(join(folder, "cli.js"), `#!${process.execPath}\nsetTimeout(() => {}, 60_000);\n`, { mode: 0o755 });
  symlinkSync("../lib/node_modules/@anthropic-ai/claude-code/cli.js", join(bin, "claude"));
  for (const path of [".local", ".local/lib", ".local/lib/node_modules", folder, dirname(folder), bin])
    chownSync(join(home, path.replace(`${home}/`, "")), uid, gid);
  for (const file of ["package.json", "cli.js"]) chownSync(join(folder, file), uid, gid);
}

function openTerminal({ home, uid, gid, env }: Desktop): ChildProcess {
  const rc = join(home, ".picturerc");
  writeFileSync(rc, String.raw`PS1='\[\e[1;32m\]ann@workstation\[\e[0m\]:\[\e[1;34m\]~\[\e[0m\]\$ '` + "\n");
  chownSync(rc, uid, gid);
  const look = ["-fa", "DejaVu Sans Mono", "-fs", "12", "-bg", "#1d2330", "-fg", "#e6e9ef", "-b", "16", "-bw", "0"];
  const soft = ["-xrm", "*color10: #8fd694", "-xrm", "*color12: #82aaff"];
  const args = [
    ...look,
    ...soft,
    "+sb",
    "-geometry",
    geometry,
    "-T",
    "ann@workstation: ~",
    "-e",
    "bash",
    "--noprofile",
    "--rcfile",
    rc,
  ];
  const path = `${join(home, ".local/bin")}:/usr/bin:/bin`;
  return spawn("/usr/bin/xterm", args, { uid, gid, env: { ...env, PATH: path }, cwd: home, stdio: "ignore" });
}

/** The machine, with only this person on it: whatever else runs here is not ours to judge. */
function only(platform: Platform, uid: number): Platform {
  return {
    ...platform,
    processes: async () => (await platform.processes()).filter((row) => row.uid === uid),
    execs: () => undefined,
    people: async () => (await platform.people()).filter((person) => person.uid === uid),
  };
}

async function take(desktop: Desktop, shot: string): Promise<void> {
  installStandIn(desktop);
  const estate = await startEstate(readFileSync(join(root, "policies/examples/ban-claude-code.json")), clock);
  const stop = new AbortController();
  const ready = Promise.withResolvers<undefined>();
  const agent = runAgent(
    {
      ...estate.settings,
      roots: [],
      groups: [],
      sweepSeconds: 0.5,
      pollSeconds: 60,
      enforcement: "policy",
      failClosed: false,
      gate: "off",
      logLevel: "info",
    },
    {
      clock,
      console: false,
      platform: only(await selectPlatform(), desktop.uid),
      ready: () => ready.resolve(undefined),
    },
    stop.signal,
  );
  const { uid, gid, env } = desktop;
  const windows = spawn("/usr/bin/openbox", ["--config-file", "/etc/xdg/openbox/rc.xml"], {
    uid,
    gid,
    env,
    stdio: "ignore",
  });
  const terminal = openTerminal(desktop);
  const x = (...args: string[]): string =>
    execFileSync("xdotool", args, { env: { ...desktop.env }, stdio: ["ignore", "pipe", "ignore"] }).toString();
  const read = (name: string): string => {
    try {
      return readFileSync(join(estate.settings.state, name), "utf8");
    } catch {
      return "";
    }
  };
  try {
    await Promise.race([ready.promise, agent]);
    await until("the policy is in force", () => read("device.json").includes('"activated"'));
    await until("the terminal is on the screen", () => {
      try {
        return x("search", "--onlyvisible", "--class", "xterm") !== "";
      } catch {
        return false;
      }
    });
    await after(1_000); // the shell draws its prompt
    // display(1) ends with 1 although it has drawn.
    spawnSync("display", ["-window", "root", ...wallpaper], { env: { ...env, HOME: "/root" }, stdio: "ignore" });
    x("mousemove", "300", "300", "click", "1");
    x("type", "--delay", "80", "claude\n");
    await until("the person was told", () => read("journal.ndjson").includes('"toast":"shown"'));
    await desktop.toast();
    x("key", "Return");
    await after(1_000); // it slides in
    desktop.screenshot(shot);
    execFileSync("convert", [shot, "-crop", crop, "+repage", "-strip", shot]);
  } finally {
    terminal.kill();
    windows.kill();
    stop.abort();
    await agent;
    await estate.close();
  }
}

const desktop = await startDesktop({ user: "edict-ann", language: "en" });
try {
  await take(desktop, out);
} finally {
  await desktop.stop();
}
console.log(out);
