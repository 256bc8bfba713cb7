import { writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startServer } from "#server/start.ts";
import { systemClock } from "#lib/clock.ts";
import { lacking } from "../needs.ts";
import { serviceManager } from "./notify-socket.ts";
import {
  agent,
  banning,
  end,
  isAlive,
  moody,
  nothing,
  npmTool,
  openFolder,
  publisher,
  until,
  type Mood,
} from "./place.ts";

/** An agent whose policy bans one tool of the test's own, from a server with moods. */
async function house(mode = "block", more: object = {}) {
  const folder = await openFolder();
  const signer = await publisher(folder);
  const tool = npmTool(folder);
  await signer.publish(banning(tool, mode, more));
  const web = await moody(signer.repo);
  const start = (settings: object = {}, options: Parameters<typeof agent>[2] = {}) =>
    agent(folder, { server: web.url, root: signer.root, ...settings }, options);
  return { folder, signer, tool, web, start };
}

const inForce = "a policy is in force";

describe.skipIf(lacking("root"))("the agent as a process", () => {
  test("stops what is banned, and ends at SIGTERM at once and well", async () => {
    const { tool, start } = await house();
    const running = await tool.start();
    const one = start();
    expect(await end(running)).toBe("SIGTERM");
    await until("it is recorded", async () => (await one.status()).recorded.length > 0);
    expect((await one.status()).recorded).toEqual([
      expect.objectContaining({ did: "stopped", ban: tool.id, mode: "block" }),
    ]);
    one.child.kill("SIGTERM");
    expect(await end(one.child)).toBe(0);
    expect(one.said()).not.toContain("still stopping");
    await expect(lstat(join(one.run, "agent.sock"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("enforces the last good policy after a restart without its server", async () => {
    const { tool, start, web } = await house();
    const one = start();
    await one.says(inForce);
    one.child.kill("SIGKILL");
    await end(one.child);
    web.mood = "hangs up";
    const running = await tool.start();
    const two = start();
    expect(await end(running)).toBe("SIGTERM");
    expect((await two.status()).policy).toMatchObject({ version: 2, name: `bans ${tool.id}` });
  });

  test.for<Mood>(["500", "garbage", "huge", "slow", "hangs up", "redirects"])(
    "lives with a server that answers like this: %s, enforces what it has, and takes the next policy",
    async (mood) => {
      const { signer, tool, start, web } = await house();
      const first = start();
      await first.says(inForce);
      first.child.kill("SIGTERM");
      await end(first.child);
      web.mood = mood;
      const running = await tool.start();
      const one = start();
      expect(await end(running)).toBe("SIGTERM");
      const asked = web.asked.length;
      await until("it has asked again", () => web.asked.length > asked);
      expect(await one.status()).toMatchObject({ policy: { version: 2 } });
      await signer.publish(nothing);
      web.mood = "good";
      await until("the next policy is in force", async () => (await one.status()).policy.version === 3);
      one.child.kill("SIGTERM");
      expect(await end(one.child)).toBe(0);
    },
  );

  test("without a network and without a policy it watches, bans nothing and says so", async () => {
    const { folder, signer, tool } = await house();
    const running = await tool.start();
    const one = agent(folder, { server: "http://127.0.0.1:1", root: signer.root });
    await until(
      "it has looked",
      async () => (await one.status().catch(() => undefined))?.warnings.length !== undefined,
    );
    const { policy, warnings } = await one.status();
    expect(policy).toMatchObject({ version: 0, bans: 0, activatedAt: null });
    expect(warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(["no-policy", "not-enrolled"]));
    expect(isAlive(running)).toBe(true);
    one.child.kill("SIGINT");
    expect(await end(one.child)).toBe(0);
  });

  test("with the emergency stop it stops nothing, records it, and says so", async () => {
    const { tool, start } = await house();
    const running = await tool.start();
    const one = start({ enforcement: "observe" });
    await one.says(inForce);
    await until("it is recorded", async () => (await one.status()).recorded.some(({ ban }) => ban === tool.id));
    const { recorded, warnings, enforcement } = await one.status();
    expect(recorded).toEqual([expect.objectContaining({ did: "recorded", mode: "observe" })]);
    expect(recorded[0]?.because.join("\n")).toContain("at most observe");
    expect([enforcement, warnings.map(({ code }) => code)]).toEqual(["observe", expect.arrayContaining(["observing"])]);
    expect(isAlive(running)).toBe(true);
  });

  test("a policy that is withdrawn drops the graces that ran under it", async () => {
    const { tool, start, signer } = await house("block", { running: { grace: "PT10M" } });
    const running = await tool.start();
    const one = start();
    await until("the grace runs", async () => (await one.status().catch(() => undefined))?.pending.length === 1);
    expect((await one.status()).pending).toEqual([expect.objectContaining({ pid: running.pid, ban: tool.id })]);
    await signer.publish(nothing);
    await until("it is dropped", async () => (await one.status()).pending.length === 0);
    expect((await one.status()).recorded.map(({ did }) => did)).toEqual(["grace", "spared"]);
    expect(isAlive(running)).toBe(true);
  });

  test("a policy that cannot be used is refused and said; the one before goes on, over a restart too", async () => {
    const { tool, start, signer } = await house();
    const one = start();
    await one.says(inForce);
    await signer.publishUnusable('{"name": "from tomorrow"}');
    await one.says("a policy verifies and cannot be used");
    const running = await tool.start();
    expect(await end(running)).toBe("SIGTERM");
    expect((await one.status()).warnings.map(({ code }) => code)).toContain("policy-refused");
    one.child.kill("SIGKILL");
    await end(one.child);
    const again = await tool.start();
    const two = start();
    expect(await end(again)).toBe("SIGTERM");
    expect((await two.status()).policy.name).toBe(`bans ${tool.id}`);
  });

  test("--once pulls the policy, stops what is banned, and ends", async () => {
    const { tool, start, signer } = await house();
    const running = await tool.start();
    const one = start({}, { args: ["--once"] });
    expect(await end(one.child)).toBe(0);
    expect(await end(running)).toBe("SIGTERM");
    // The next time it asks too, and does not content itself with what it has.
    await signer.publish(nothing);
    const spared = await tool.start();
    const two = start({ sweepSeconds: 3600 }, { args: ["--once"] });
    expect(await end(two.child)).toBe(0);
    expect(two.said()).toContain('"version":3');
    expect(isAlive(spared)).toBe(true);
  });

  test("--once acts by the last good policy where the new one cannot be used", async () => {
    const { tool, start, signer } = await house();
    expect(await end(start({}, { args: ["--once"] }).child)).toBe(0);
    await signer.publishUnusable('{"name": "from tomorrow"}');
    const running = await tool.start();
    expect(await end(start({}, { args: ["--once"] }).child)).toBe(0);
    expect(await end(running)).toBe("SIGTERM");
  });

  test("--once ends also where there is no server to ask", async () => {
    const one = agent(await openFolder(), {}, { args: ["--once"] });
    expect(await end(one.child)).toBe(0);
  });

  test("a wrong configuration ends it with 2, every file and key named", async () => {
    const folder = await openFolder();
    const one = agent(folder, { sweepSeconds: "often", colour: "red" });
    expect(await end(one.child)).toBe(2);
    const file = join(folder, "agent.json");
    expect(one.said()).toContain(`${file}: sweepSeconds: `);
    expect(one.said()).toContain(`${file}: colour: unknown key`);
    const none = agent(folder, {}, { args: ["--config", join(folder, "none.json")] });
    expect(await end(none.child)).toBe(2);
    expect(none.said()).toContain(join(folder, "none.json"));
  });

  test("a root or an authority that is not there is said, and the last good policy goes on", async () => {
    const { tool, start } = await house();
    const one = start();
    await one.says(inForce);
    one.child.kill("SIGTERM");
    await end(one.child);
    const running = await tool.start();
    const two = start({ root: "/nonexistent/root.json", ca: "/nonexistent/ca.pem" });
    expect(await end(running)).toBe("SIGTERM");
    const warnings = (await two.status()).warnings.filter(({ code }) => code === "missing-file");
    expect(warnings.map(({ text }) => text).join("\n")).toMatch(/ca: .*ENOENT[^]*root: .*ENOENT/);
  });

  test("a second agent on the same state does not start, and disturbs the first in nothing", async () => {
    const { folder, start, tool } = await house();
    const one = start();
    await one.says(inForce);
    const second = agent(folder, {});
    expect(await end(second.child)).toBe(1);
    expect(second.said()).toContain(`held by process ${one.child.pid}`);
    const running = await tool.start();
    expect(await end(running)).toBe("SIGTERM");
    await until("it is recorded", async () => (await one.status()).recorded.length > 0);
    expect((await one.status()).recorded.length).toBe(1);
  });

  test("a report that was not sent when the agent was killed arrives, once, after the next start", async () => {
    const folder = await openFolder();
    const signer = await publisher(folder);
    const tool = npmTool(folder);
    await signer.publish(banning(tool, "block"));
    const data = join(folder, "server");
    const server = await startServer({ data, listen: "127.0.0.1:0", clock: systemClock });
    writeFileSync(join(folder, "secret"), server.enrolSecret, { mode: 0o600 });
    const settings = { server: server.url, root: signer.root, enrolSecretFile: join(folder, "secret") };
    const one = agent(folder, settings);
    await one.says(inForce);
    await one.says("this device is enrolled");
    await server.close();
    const running = await tool.start();
    expect(await end(running)).toBe("SIGTERM");
    await until("it is written down", async () => (await one.status()).recorded.length === 1);
    const [stop] = (await one.status()).recorded;
    one.child.kill("SIGKILL");
    await end(one.child);

    const { host } = new URL(server.url);
    const back = await startServer({ data, listen: host, clock: systemClock });
    const two = agent(folder, settings);
    const stops = async (): Promise<readonly unknown[]> => {
      const reply = await fetch(`${back.url}/api/v1/reports?limit=200`, {
        headers: { authorization: `Bearer ${back.adminToken}` },
      });
      const { reports } = (await reply.json()) as { reports: { event: { class_uid: number } }[] };
      return reports.filter(({ event }) => event.class_uid === 1007);
    };
    await until("it has arrived", async () => (await stops()).length > 0);
    expect((await two.status()).recorded).toEqual([stop]);
    await until(
      "nothing waits",
      async () => !(await two.status()).warnings.some(({ code }) => code === "not-enrolled"),
    );
    two.child.kill("SIGTERM");
    expect(await end(two.child)).toBe(0);
    expect((await stops()).length).toBe(1);
    await back.close();
  });
});

test("the service manager hears that the agent is ready, alive, and stopping", async () => {
  const folder = await openFolder();
  const manager = serviceManager(join(folder, "notify"));
  const env = { NOTIFY_SOCKET: join(folder, "notify"), WATCHDOG_USEC: "400000" };
  const one = agent(folder, {}, { env });
  await until("it is ready and alive", () => manager().filter((word) => word === "WATCHDOG=1").length > 2);
  expect(manager()).toContain("READY=1");
  expect((await one.status()).policy.version).toBe(0); // ready means that it answers
  expect(manager()).not.toContain("STOPPING=1");
  one.child.kill("SIGTERM");
  expect(await end(one.child)).toBe(0);
  expect(manager().filter((word) => word === "STOPPING=1")).toHaveLength(1);
});
