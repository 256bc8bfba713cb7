import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError, loadConfig, placesFor, type Config } from "#agent/config.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { lacking } from "../needs.ts";

function put(file: string, value: unknown): void {
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
}

async function machine() {
  const dir = await temporaryFolder();
  const [agent, managed] = [join(dir, "agent.json"), join(dir, "managed.json")];
  const load = (files: readonly string[] = [agent, managed]): Config =>
    loadConfig({ files, state: join(dir, "state"), run: join(dir, "run") });
  const problems = (files?: readonly string[]): readonly string[] => {
    try {
      load(files);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
    return [];
  };
  return { dir, agent, managed, load, problems };
}

test("without any file the agent watches and enforces what is on disk; each file wins over the one before", async () => {
  const { dir, agent, managed, load } = await machine();
  expect(load()).toEqual({
    pollSeconds: 60,
    enforcement: "policy",
    failClosed: false,
    gate: "on",
    logLevel: "info",
    groups: [],
    state: join(dir, "state"),
    run: join(dir, "run"),
  });
  put(agent, { server: "https://one.example", sweepSeconds: 9, state: "/srv/edict" });
  put(managed, { server: "https://two.example/edict/", groups: ["finance"], enforcement: "observe" });
  expect(load()).toMatchObject({
    server: "https://two.example/edict",
    sweepSeconds: 9,
    state: "/srv/edict",
    groups: ["finance"],
    enforcement: "observe",
  });
});

const wrong: readonly (readonly [key: string, values: readonly unknown[]])[] = [
  [
    "server",
    [
      7,
      "",
      "edict.example",
      "ftp://edict.example",
      "http://edict.example",
      "https://ann:secret@edict.example",
      "https://edict.example/?token=x",
      "https://edict.example/#x",
    ],
  ],
  ["root", ["root.json", "", null]],
  ["enrolSecretFile", ["secret"]],
  ["ca", ["./ca.pem"]],
  ["groups", ["finance", [""], [7], Array(1001).fill("g")]],
  ["sweepSeconds", [0, 0.01, 3601, "5", null]],
  ["pollSeconds", [0, 86_401, -1]],
  ["enforcement", ["off", true]],
  ["failClosed", ["yes", 0]],
  ["gate", ["maybe", true, [], {}, { mounts: [] }, { mounts: ["srv"] }]],
  ["logLevel", ["trace", ""]],
  ["state", ["state"]],
  ["run", ["../run"]],
  ["roots", ["/usr", ["usr"], [7]]],
];

test.for(wrong)("a wrong %s is named by file and key", async ([key, values]) => {
  const { managed, problems } = await machine();
  for (const value of values) {
    put(managed, { [key]: value });
    expect(problems()).toEqual([expect.stringMatching(`^${managed}: ${key}[.:]`)]);
  }
});

test.for(["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80", "https://edict.example:8443/edict"])(
  "%s is a server",
  async (server) => {
    const { managed, load } = await machine();
    put(managed, { server });
    expect(load()).toMatchObject({ server });
  },
);

test("every problem of every file is named at once, unknown keys too", async () => {
  const { agent, managed, problems } = await machine();
  put(agent, { sweepSecond: 5, __proto__x: 1, groups: ["admins"] });
  put(managed, { logLevel: "loud", run: "here" });
  expect(problems()).toEqual([
    `${agent}: sweepSecond: unknown key`,
    `${agent}: __proto__x: unknown key`,
    expect.stringContaining(`${managed}: logLevel: `),
    `${managed}: run: expected an absolute path`,
  ]);
  put(managed, {});
  put(agent, { groups: ["admins"] });
  expect(problems()).toEqual([`${agent}: groups: only ${managed} may say it`]);
  expect(problems([agent])).toEqual([]);
});

test("what is no JSON object is refused, and said to be", async () => {
  const { managed, problems } = await machine();
  for (const text of ["", "{", "[]", "null", "7", '{"server":', "\0".repeat(10)]) {
    put(managed, text);
    expect(problems()).toEqual([expect.stringContaining(`${managed}: `)]);
  }
});

test("a huge file, a FIFO, a folder, a device and a link are no configuration, and nothing waits for them", async () => {
  const { dir, agent, managed, problems } = await machine();
  put(managed, "{}");
  truncateSync(managed, 3 * 1024 * 1024 * 1024);
  execFileSync("/usr/bin/mkfifo", ["-m", "600", agent]);
  expect(problems()).toEqual([`${agent}: not a plain file`, expect.stringMatching(`^${managed}: longer than`)]);
  const [link, folder, dangling] = [join(dir, "link"), join(dir, "folder"), join(dir, "dangling")];
  put(join(dir, "real"), "{}");
  symlinkSync(join(dir, "real"), link);
  symlinkSync(join(dir, "nowhere"), dangling);
  mkdirSync(folder);
  expect(problems([link, folder, dangling, "/dev/zero"])).toEqual([
    expect.stringMatching(`^${link}: a symbolic link`),
    `${folder}: not a plain file`,
    expect.stringMatching(`^${dangling}: a symbolic link`),
    "/dev/zero: not a plain file",
  ]);
});

test("a file that others can write, or that lies where they can, is refused", async () => {
  const { dir, managed, problems } = await machine();
  put(managed, "{}");
  for (const mode of [0o620, 0o602]) {
    chmodSync(managed, mode);
    expect(problems()).toEqual([`${managed}: others can write it: chmod go-w`]);
  }
  chmodSync(managed, 0o644);
  expect(problems()).toEqual([]);
  chmodSync(dir, 0o707);
  expect(problems()).toEqual([`${managed}: others can write ${dir}: chmod go-w ${dir}`]);
  chmodSync(dir, 0o1707); // sticky, as /tmp: the file cannot be exchanged
  expect(problems()).toEqual([]);
});

test("a file that somebody named has to be there", async () => {
  const { dir } = await machine();
  const file = join(dir, "none.json");
  const places = { ...placesFor(0, {}), files: [file] };
  expect(() => loadConfig({ ...places, named: true })).toThrow(file);
  expect(loadConfig(places)).toMatchObject({ state: "/var/lib/edict", run: "/run/edict" });
});

test("root's places are the machine's, another's are in their home", () => {
  expect(placesFor(0, { HOME: "/root", XDG_CONFIG_HOME: "/tmp/evil" }).files).toEqual([
    "/etc/edict/agent.json",
    "/etc/edict/managed.json",
  ]);
  expect(placesFor(1000, { HOME: "/home/ann" })).toEqual({
    files: ["/home/ann/.config/edict/agent.json"],
    state: "/home/ann/.local/state/edict",
    run: "/home/ann/.local/state/edict",
  });
});

describe.skipIf(lacking("root"))("for root", () => {
  test("another user's file, or one in another user's folder, is refused", async () => {
    const { dir, managed, problems } = await machine();
    put(managed, "{}");
    chownSync(managed, 4242, 4242);
    expect(problems()).toEqual([`${managed}: belongs to user 4242, who is not trusted here`]);
    const folder = join(dir, "theirs");
    mkdirSync(folder);
    put(join(folder, "agent.json"), "{}");
    chownSync(folder, 4242, 4242);
    expect(problems([join(folder, "agent.json")])).toEqual([
      `${join(folder, "agent.json")}: ${folder} belongs to user 4242, who is not trusted here`,
    ]);
  });
});
