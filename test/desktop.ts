import { execFileSync, spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lacking } from "./needs.ts";

/** What a desktop needs from the machine; the reason why there can be none, or undefined. */
export function noDesktop(): string | undefined {
  const missing = lacking("root", "xvfb", "dbus", "notification-daemon", "xdotool", "imagemagick", "fonts-noto-cjk");
  if (missing !== undefined) return missing;
  try {
    // The session process runs as that person, from this very folder.
    const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
    execFileSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "test", "-r", main], {
      stdio: "ignore",
    });
    return undefined;
  } catch {
    const reason = "other users cannot read this folder";
    console.warn(`skipped: ${reason}`);
    return reason;
  }
}

/** A place on the screen, in pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A real desktop of a person of its own: X server, session bus, GNOME's notification server. */
export interface Desktop {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** What that person's programs have in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when a toast is on the screen. */
  toast(): Promise<Place>;
  /** A picture of the whole screen, as PNG. */
  screenshot(file: string): void;
  /** Clicks on a button of the toast, counted from 0 on the left. */
  click(button: number): Promise<void>;
  stop(): Promise<void>;
}

const locales: Readonly<Record<string, string>> = { en: "C.UTF-8", "zh-CN": "zh_CN.UTF-8" };

/** Needs root. `user` is called edict-…, made for it alone, and removed with its home and whatever still runs as it by `stop`. */
export async function startDesktop({ user, language }: { user: string; language: string }): Promise<Desktop> {
  const number = (flag: string): number => Number(execFileSync("id", [flag, user]));
  removeUser(user); // of a run that was cut off
  execFileSync("useradd", ["--create-home", user], { stdio: "ignore" });
  const [uid, gid, home, runtime] = [number("-u"), number("-g"), `/home/${user}`, `/run/user/${number("-u")}`];
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  chownSync(runtime, uid, gid);
  const env: Record<string, string> = {
    HOME: home,
    USER: user,
    PATH: "/usr/bin:/bin",
    LANG: locales[language] ?? "C.UTF-8",
    XDG_RUNTIME_DIR: runtime,
    NO_AT_BRIDGE: "1",
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus`,
  };
  const children: ChildProcess[] = [];
  const start = (file: string, args: readonly string[], stdio: StdioOptions): ChildProcess => {
    const child = spawn(file, args, { uid, gid, env, stdio, cwd: "/" });
    children.push(child);
    return child;
  };
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      const closed = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGKILL")) await closed;
    }
    removeUser(user);
  };
  try {
    const screen = "1024x600x24";
    const server = start(
      "/usr/bin/Xvfb",
      ["-displayfd", "3", "-screen", "0", screen, "-nolisten", "tcp"],
      ["ignore", "ignore", "ignore", "pipe"],
    );
    env["DISPLAY"] = `:${await firstLine(server, 3)}`;
    const bus = start(
      "/usr/bin/dbus-daemon",
      ["--session", `--address=${env["DBUS_SESSION_BUS_ADDRESS"]}`, "--nofork", "--nopidfile", "--print-address=1"],
      ["ignore", "pipe", "ignore"],
    );
    await firstLine(bus, 1);
    start("/usr/lib/notification-daemon/notification-daemon", [], "ignore");
    await until("the notification server answers", () => hasNotifications(uid, gid, env));
  } catch (error) {
    await stop();
    throw error;
  }
  const x = (file: string, ...args: string[]): string =>
    execFileSync(file, args, { uid, gid, env, stdio: ["ignore", "pipe", "ignore"] }).toString();
  const popup = async (): Promise<Place> => {
    let found: Place | undefined;
    await until("a toast is on the screen", () => {
      found = toastIn(x);
      return found !== undefined;
    });
    if (found === undefined) throw new Error("no toast");
    return found;
  };
  return {
    user,
    uid,
    gid,
    home,
    env,
    toast: popup,
    screenshot: (file) => {
      mkdirSync(dirname(file), { recursive: true });
      execFileSync("import", ["-window", "root", file], { env: { ...env, HOME: "/root" }, stdio: "ignore" });
    },
    click: async (button) => {
      const place = await popup();
      const row = { ...place, y: place.y + place.height - 47, height: 18 };
      const middle = wordsIn(row, env)[button];
      if (middle === undefined) throw new Error(`the toast has no button ${button}`);
      x("xdotool", "mousemove", String(middle), String(row.y + 9), "click", "1");
    },
    stop,
  };
}

/** Where a row of the screen has words: the middle of each in pixels, gaps of 16 pixels between them. */
function wordsIn(row: Place, env: Readonly<Record<string, string>>): readonly number[] {
  const crop = `${row.width}x${row.height}+${row.x}+${row.y}`;
  const shrink = ["-colorspace", "Gray", "-threshold", "60%", "-scale", `${row.width}x1!`, "-depth", "8", "gray:-"];
  const shot = execFileSync("import", ["-window", "root", "-crop", crop, "+repage", "png:-"], { env });
  const columns = execFileSync("convert", ["png:-", ...shrink], { input: shot });
  const words: { from: number; to: number }[] = [];
  for (const [at, brightness] of columns.entries()) {
    if (brightness === 255 || at < 60 || at > row.width - 40) continue;
    const last = words.at(-1);
    if (last !== undefined && at - last.to < 16) last.to = at;
    else words.push({ from: at, to: at });
  }
  return words.map(({ from, to }) => row.x + Math.round((from + to) / 2));
}

function removeUser(user: string): void {
  if (!user.startsWith("edict-")) throw new Error(`${user} may be somebody real`);
  let uid: number;
  try {
    uid = Number(execFileSync("id", ["-u", user], { stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return; // there is none
  }
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isSafeInteger)) {
    try {
      if (statSync(`/proc/${pid}`).uid === uid) process.kill(pid, "SIGKILL");
    } catch {} // it has ended
  }
  rmSync(`/run/user/${uid}`, { recursive: true, force: true });
  execFileSync("userdel", ["--remove", "--force", user], { stdio: "ignore" });
}

/** The first line that a child writes on one of its descriptors. */
async function firstLine(child: ChildProcess, fd: number): Promise<string> {
  const stream = child.stdio[fd];
  if (stream === null || stream === undefined || !("readable" in stream)) throw new Error(`no pipe on ${fd}`);
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error(`${child.spawnfile} ended before it was ready`);
}

/** Asks every tenth of a second, for twenty seconds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (holds()) return;
    await after(100);
  }
  throw new Error(`gave up waiting until ${what}`);
}

function hasNotifications(uid: number, gid: number, env: Readonly<Record<string, string>>): boolean {
  const name = "org.freedesktop.DBus";
  const args = [
    "--session",
    "--print-reply",
    `--dest=${name}`,
    "/org/freedesktop/DBus",
    `${name}.NameHasOwner`,
    "string:org.freedesktop.Notifications",
  ];
  try {
    return execFileSync("dbus-send", args, { uid, gid, env, stdio: ["ignore", "pipe", "ignore"] }).includes(
      "boolean true",
    );
  } catch {
    return false;
  }
}

/** A visible window of a toast's size. */
function toastIn(x: (file: string, ...args: string[]) => string): Place | undefined {
  for (const id of lines(() => x("xdotool", "search", "--onlyvisible", "--name", ".*"))) {
    const shape = new Map(
      lines(() => x("xdotool", "getwindowgeometry", "--shell", id)).map((l) => [
        l.split("=")[0],
        Number(l.split("=")[1]),
      ]),
    );
    const [left = 0, top = 0, width = 0, height = 0] = ["X", "Y", "WIDTH", "HEIGHT"].map((k) => shape.get(k));
    if (width > 150 && width < 900 && height > 40) return { x: left, y: top, width, height };
  }
  return undefined;
}

function lines(read: () => string): readonly string[] {
  try {
    return read()
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return []; // xdotool found none
  }
}
