import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sessions } from "#platform/linux/sessions.ts";
import { installRoots } from "#platform/linux/install-roots.ts";
import { lacking } from "../needs.ts";

const uid = 424_242;
const folder = `/run/user/${uid}`;
const ann = { name: "ann", uid, gid: uid, home: "/home/ann" };
let bus: Server;
let program: ChildProcess | undefined;

/** A program of that user's, with such an environment. */
async function draws(env: Record<string, string>): Promise<void> {
  program = spawn("/bin/sh", ["-c", "echo ready; read line"], { uid, gid: uid, env });
  if (program.stdout !== null) await once(program.stdout, "data");
}

describe.skipIf(lacking("root"))("a graphical login", () => {
  beforeEach(async () => {
    if (existsSync(folder)) throw new Error(`${folder} is somebody's`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    bus = createServer().listen(`${folder}/bus`);
    await once(bus, "listening");
    execFileSync("/usr/bin/chown", ["-R", `${uid}:${uid}`, folder]);
  });
  afterEach(() => {
    program?.kill("SIGKILL");
    bus.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is a bus and a program that draws, in that program's language", async () => {
    await draws({ DISPLAY: ":7", LANG: "zh_CN.UTF-8", LD_PRELOAD: "", SECRET: "x" });
    expect(sessions([ann])).toEqual([
      {
        person: ann,
        runtimeDir: folder,
        bus: `unix:path=${folder}/bus`,
        language: "zh-CN",
        display: { DISPLAY: ":7" },
      },
    ]);
    expect(sessions([{ ...ann, uid: 424_243 }])).toEqual([]);
  });

  test("is not a login without a desktop", async () => {
    await draws({ LANG: "zh_CN.UTF-8" });
    expect(sessions([ann])).toEqual([]);
  });

  test("is not a bus that somebody else put there", async () => {
    await draws({ WAYLAND_DISPLAY: "wayland-0" });
    expect(sessions([ann])).toHaveLength(1);
    chownSync(`${folder}/bus`, 0, 0);
    expect(sessions([ann])).toEqual([]);
  });

  test("is not a link, whatever it leads to", async () => {
    await draws({ WAYLAND_DISPLAY: "wayland-0" });
    renameSync(`${folder}/bus`, `${folder}/real`);
    symlinkSync("real", `${folder}/bus`);
    expect(sessions([ann])).toEqual([]);
  });
});

test("tools are looked for under every home, and never under the root folder for want of one", () => {
  const roots = installRoots([
    ann,
    { name: "daemon", uid: 1, gid: 1, home: "/" },
    { name: "x", uid: 2, gid: 2, home: "" },
  ]);
  const own = roots.filter(({ owner }) => owner === uid).map(({ path }) => path);
  expect(own).toEqual(
    expect.arrayContaining([
      "/home/ann/.local/bin",
      "/home/ann/.npm-global/lib/node_modules",
      "/home/ann/.local/share/claude/versions",
      "/home/ann/.vscode/extensions",
    ]),
  );
  expect(roots.filter(({ owner }) => owner !== uid && owner !== 0)).toEqual([]);
  expect(roots.map(({ path }) => path)).toEqual(expect.arrayContaining(["/usr/lib/node_modules", "/opt"]));
  expect(new Set(roots.map(({ path }) => path)).size).toBe(roots.length);
});
