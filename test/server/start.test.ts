import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { exitCodes } from "#cli/exit-codes.ts";
import { reportAnswerSchema } from "#protocol/report.ts";
import { parseAddress } from "#server/listen.ts";
import { serverExitCodes } from "#server/main.ts";
import { startServer } from "#server/start.ts";
import { lacking } from "../needs.ts";
import { enrolled, folder, server, spooled, TestClock } from "./harness.ts";

const main = new URL("../../src/server/main.ts", import.meta.url).pathname;

async function certificate(): Promise<{ cert: string; key: string; dir: string }> {
  const dir = await folder();
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", [...make, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  return { cert, key, dir };
}

/** Runs `edict-server` until it ends, or until it says where it serves. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
  const url = async (): Promise<string> => {
    await expect.poll(() => out, { timeout: 30_000 }).toContain("console");
    return /serves at (\S+)/.exec(out)?.[1] ?? "";
  };
  return { child, ended, url };
}

test("a server makes its folder, its secrets and its keys' place for its owner only, and keeps them", async () => {
  const data = join(await folder(), "data");
  const clock = new TestClock();
  const first = await startServer({ data, listen: "127.0.0.1:0", clock });
  const { enrolSecret, adminToken, paths } = first;
  expect((await stat(data)).mode & 0o777).toBe(0o700);
  for (const file of [paths.enrolSecret, paths.adminToken]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(paths.keys)).mode & 0o777).toBe(0o700);
  expect(enrolSecret).not.toBe(adminToken);
  await expect(startServer({ data, listen: "127.0.0.1:0", clock })).rejects.toMatchObject({ code: "DATA" });
  await first.close();
  const second = await startServer({ data, listen: "127.0.0.1:0", clock });
  expect([second.enrolSecret, second.adminToken]).toEqual([enrolSecret, adminToken]);
  await second.close();
  await writeFile(paths.enrolSecret, "short");
  await expect(startServer({ data, listen: "127.0.0.1:0", clock })).rejects.toMatchObject({ code: "DATA" });
});

const noOpenssl = lacking("openssl");
test.skipIf(noOpenssl !== undefined)(
  "with its own certificate it serves https, and a device that trusts that certificate reports to it",
  async () => {
    const { cert, key } = await certificate();
    const tls = { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
    const running = await server({ tls });
    expect(running.url).toMatch(/^https:/);
    const { identity, link } = await enrolled(running, tls.cert);
    const answer = await link.post("/api/v1/reports", { events: [spooled(identity.id)] }, reportAnswerSchema);
    expect(answer.stored).toHaveLength(1);
    await expect(enrolled(running)).rejects.toMatchObject({ code: "NETWORK" });
  },
);

test("plain http is served on this machine only", async () => {
  const data = join(await folder(), "data");
  const clock = new TestClock();
  for (const listen of ["0.0.0.0:0", "[::]:0", "edict.example:80"])
    await expect(startServer({ data, listen, clock })).rejects.toMatchObject({ code: "USAGE" });
});

test.each([
  ["127.0.0.1:8787", { host: "127.0.0.1", port: 8787 }],
  ["[::1]:0", { host: "::1", port: 0 }],
  ["8787", { host: "127.0.0.1", port: 8787 }],
])("%s is an address to listen at", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(["", ":", "host", "host:", "host:99999", ":80", "host:-1", "host:8e1"])("«%s» is none", (text) => {
  expect(() => parseAddress(text)).toThrow(/HOST:PORT/);
});

test("the command serves until it is told to stop, and ends with 0", async () => {
  const data = join(await folder(), "data");
  const { child, ended, url } = await run(["serve", "--data", data, "--listen", "127.0.0.1:0"], { DATABASE_URL: "" });
  const answer = await fetch(`${await url()}/healthz`);
  expect(await answer.json()).toMatchObject({ ok: true, name: "edict-server" });
  child.kill("SIGTERM");
  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(out).not.toContain((await readFile(join(data, "admin.token"), "utf8")).trim());
});

test.each([
  ["an unknown option", ["serve", "--what"]],
  ["a certificate without its key", ["serve", "--tls-cert", "/nonexistent"]],
  ["a certificate that cannot be read", ["serve", "--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"]],
  ["an address beyond this machine without TLS", ["serve", "--data", "/nonexistent/x", "--listen", "0.0.0.0:1"]],
])("the command ends with 2 and a sentence for %s", async (_what, args) => {
  const { code, err } = await (await run(args)).ended;
  expect(code).toBe(2);
  expect(err.trim()).not.toBe("");
  expect(err).not.toContain("    at ");
});

test("the command ends with 1 and names what it could not open", async () => {
  const file = join(await folder(), "file");
  await writeFile(file, "");
  const { code, err } = await (await run(["serve", "--data", join(file, "data")])).ended;
  expect(code).toBe(1);
  expect(err).toContain(file);
});

test("the server's exit codes are those of the table", () => {
  const { ok, failed, usage } = exitCodes;
  expect(serverExitCodes).toEqual({ ok: ok[0], failed: failed[0], usage: usage[0] });
});
