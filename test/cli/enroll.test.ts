import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/agent/config.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve } from "../lib/web.ts";
import { edict } from "./run.ts";

const healthy = () =>
  serve((_request, response) => response.end('{"ok":true,"name":"edict-server","version":"0.1.0"}'));

async function place() {
  const dir = await temporaryFolder();
  const secret = join(dir, "secret");
  await writeFile(secret, `${"s".repeat(43)}\n`, { mode: 0o600 });
  const config = join(dir, "etc", "agent.json");
  const enroll = (server: string, ...more: string[]) =>
    edict(["enroll", "--server", server, "--secret-file", secret, "--config", config, ...more], { cwd: dir });
  return { dir, secret, config, enroll };
}

test("enroll writes the server and the secret's place into settings that the agent takes, and keeps what was there", async () => {
  const { dir, secret, config, enroll } = await place();
  const { url } = await healthy();
  expect(await enroll(url)).toMatchObject({ code: 0, err: expect.stringContaining("--root") as string });
  expect((await stat(config)).mode & 0o777).toBe(0o600);
  await writeFile(config, JSON.stringify({ sweepSeconds: 9, server: "https://old.example" }));
  await writeFile(join(dir, "root.json"), "{}");
  const { code, out, err } = await enroll(url, "--root", "root.json", "--json");
  expect([code, err]).toEqual([0, ""]);
  const server = url.replace(/\/$/, "");
  expect(JSON.parse(out)).toEqual({ config, server, secretFile: secret });
  expect(loadConfig({ files: [config], state: dir, run: dir })).toMatchObject({
    server,
    enrolSecretFile: secret,
    root: join(dir, "root.json"),
    sweepSeconds: 9,
  });
  expect(await readdir(join(dir, "etc"))).toEqual(["agent.json"]);
});

test("a secret that others can read, or that is none, is refused, and nothing is written", async () => {
  const { dir, secret, enroll } = await place();
  const { url, asked } = await healthy();
  await chmod(secret, 0o640);
  expect(await enroll(url)).toMatchObject({ code: 2, err: expect.stringContaining("chmod 600") as string });
  await chmod(secret, 0o600);
  await writeFile(secret, "short");
  expect(await enroll(url)).toMatchObject({ code: 2, err: expect.stringContaining(secret) as string });
  expect(await readdir(dir)).toEqual(["secret"]);
  expect(asked).toEqual([]);
});

test("a server that is not there, is no Edict server, or is reached unencrypted is refused, and nothing is written", async () => {
  const { dir, enroll } = await place();
  const portal = await serve((_request, response) => response.end("<html>Please log in</html>"));
  expect(await enroll("http://127.0.0.1:1")).toMatchObject({ code: 5 });
  expect(await enroll(portal.url)).toMatchObject({
    code: 5,
    err: expect.stringContaining("no Edict server") as string,
  });
  expect(await enroll("http://edict.example")).toMatchObject({
    code: 2,
    err: expect.stringContaining("https") as string,
  });
  expect(await enroll("nonsense")).toMatchObject({ code: 2 });
  expect(await readdir(dir)).toEqual(["secret"]);
});

test("settings that are there and broken are not overwritten", async () => {
  const { config, enroll } = await place();
  const { url } = await healthy();
  await mkdir(join(config, ".."));
  await writeFile(config, '{"server": "https://old');
  expect(await enroll(url)).toMatchObject({ code: 2, err: expect.stringContaining(config) as string });
  expect(await readFile(config, "utf8")).toBe('{"server": "https://old');
});
