import { spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { formatInstant, instantOf } from "#lib/pure/instant.ts";
import { inForceSchema, whySchema } from "#protocol/status.ts";
import { sha256 } from "#trust/sha256.ts";
import { serve } from "../lib/web.ts";
import { lacking } from "../needs.ts";
import { Simulator } from "../trust/simulator.ts";
import { agent, end, isAlive, nativeTool, openFolder, until, type AgentProcess } from "./place.ts";
import { askAs } from "./sockets.ts";

const packed = (value: unknown): Buffer => gzipSync(typeof value === "string" ? value : JSON.stringify(value));
const blocked = { stages: [{ from: "2020-01-01T00:00:00Z", mode: "block" }], running: { grace: "PT0S" } };
const ago = (hours: number): string => formatInstant(instantOf(systemClock.now() - hours * 3_600_000));

/** A repository with the roles of two groups and of exceptions, and a tool that the base only records. */
async function place() {
  const folder = await openFolder();
  const sim = new Simulator(systemClock.now());
  writeFileSync(join(folder, "root.json"), await sim.writeRoot());
  const tool = nativeTool(folder);
  const ban = { id: "watched", tool: tool.id, reason: "A test.", exceptions: { max: "P7D" } };
  const base = (mode: string) => ({
    name: "base",
    tools: [tool.tool],
    bans: [{ ...ban, ...blocked, stages: [{ from: "2020-01-01T00:00:00Z", mode }] }],
  });
  sim.targets.targets
    .set("policy.json", packed(base("observe")))
    .set("catalog.json", packed({ formatVersion: 1, tools: [] }));
  for (const group of ["finance", "hr"])
    sim.delegate("targets", `group-${group}`, { paths: [`groups/${group}/policy.json`], terminating: true });
  sim.delegate("targets", "exceptions", { paths: ["exceptions/*.json"], terminating: true });
  // What was published stays, as it does at a server: nobody looks in vain who began to look before.
  const files = new Map<string, Buffer>();
  let up = true;
  const web = await serve((request, response) => {
    const bytes = up ? files.get(decodeURIComponent(request.url ?? "").replace(/^\/repo\//, "")) : undefined;
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  });
  const publish = async (role: string, path: string, value: unknown): Promise<void> => {
    sim.role(role).targets.set(path, packed(value));
    sim.next(role, "snapshot", "timestamp");
    for (const [name, bytes] of await sim.files()) files.set(name, bytes);
  };
  const server = web.url.replace(/\/$/, "");
  return {
    folder,
    tool,
    base,
    start: (settings: object) => agent(folder, { server, root: join(folder, "root.json"), ...settings }),
    unplug: () => void (up = false),
    /** What a role says at a path from now on. */
    publish,
    group: (name: string, more: object = {}) => ({
      name,
      bans: [
        {
          id: `${name}/watched`,
          tool: tool.id,
          reason: "Not here.",
          owner: `${name}@example.com`,
          ...blocked,
          ...more,
        },
      ],
    }),
  };
}

const answer = async (one: AgentProcess, question: object): Promise<unknown> => {
  const said = await askAs(process.getuid?.() ?? 0, join(one.run, "agent.sock"), question);
  return said?.ok === true ? said.result : said;
};
const inForce = async (one: AgentProcess) => inForceSchema.parse(await answer(one, { ask: "policy" }));
const why = async (one: AgentProcess, ban: string) =>
  whySchema.parse(await answer(one, { ask: "why-ban", ban })).lines.join("\n");
const bansOf = async (one: AgentProcess): Promise<readonly string[]> => (await inForce(one)).bans.map(({ id }) => id);

describe.skipIf(lacking("root"))("what others than the base policy's signers sign", () => {
  test("a group's ban stops what the base only records, an exception of the server's frees it, and both outlive a restart without a network", async () => {
    const { tool, start, publish, group, unplug } = await place();
    await publish("group-finance", "groups/finance/policy.json", group("finance"));
    const one = start({ groups: ["finance"] });
    await one.says("a policy is in force");
    expect(await end(await tool.start())).toBe("SIGTERM");
    expect(await inForce(one)).toMatchObject({
      bans: [
        { id: "watched", group: null, mode: "observe" },
        { id: "finance/watched", group: "finance", mode: "block" },
      ],
      conflicts: [],
    });
    expect(await why(one, "finance/watched")).toContain("the group finance's own policy");
    expect(await why(one, "finance/watched")).toContain("Who decides: finance@example.com");
    const { device, policy, groups } = await one.status();
    expect(groups).toEqual([{ name: "finance", vouched: false, bans: true }]);

    const hash = sha256(device);
    const grant = { ban: "finance/watched", device: hash, granted: ago(1), until: ago(-24 * 100) };
    await publish("exceptions", `exceptions/${hash.slice(0, 2)}.json`, { formatVersion: 1, exceptions: [grant] });
    await until("the exception is here", async () => (await inForce(one)).conflicts.length > 0);
    const excepted = await tool.start();
    await until("it is recorded", async () =>
      (await one.status()).recorded.some(({ did, ban }) => did === "recorded" && ban === "watched"),
    );
    expect(isAlive(excepted)).toBe(true);
    expect(await why(one, "finance/watched")).toMatch(
      /What was signed and does not count here:\n +an exception .* P30D from its grant/,
    );
    expect((await one.status()).policy).toEqual(policy); // in force since when it was: an exception is no new ban

    one.child.kill("SIGKILL");
    await end(one.child);
    unplug();
    const again = start({ groups: ["finance"] });
    await again.says("a policy is in force");
    expect(await bansOf(again)).toEqual(["watched", "finance/watched"]);
    expect((await again.status()).policy.activatedAt).toBe(policy.activatedAt);
    expect(isAlive(excepted)).toBe(true);
  });

  test("who is in a group by the signers' list follows its policy, and what cannot be used of it is left out and said", async () => {
    const { start, publish, group } = await place();
    await publish("group-hr", "groups/hr/policy.json", group("hr"));
    const one = start({ groups: ["Laptops 7"] });
    await one.says("a policy is in force");
    expect(await bansOf(one)).toEqual(["watched"]);
    await publish("targets", "devices.json", {
      formatVersion: 1,
      groups: { hr: { devices: [], managed: ["Laptops 7"] } },
    });
    await until("the group's bans are in force", async () => (await bansOf(one)).includes("hr/watched"));
    expect((await one.status()).groups).toEqual([
      { name: "hr", vouched: true, bans: true },
      { name: "Laptops 7", vouched: false, bans: false },
    ]);
    await publish("group-hr", "groups/hr/policy.json", { ...group("hr"), allow: ["everything"] });
    await until("it is left out", async () => (await inForce(one)).conflicts.length > 0);
    expect(await bansOf(one)).toEqual(["watched"]);
    const refused = (await one.status()).warnings.find(({ code }) => code === "part-refused");
    expect(refused?.text).toContain("the policy of the group hr is left out: allow");
    await publish("group-hr", "groups/hr/policy.json", {
      ...group("hr"),
      bans: [...group("hr").bans, { ...group("hr").bans[0], id: "hr/other", tool: "none" }],
    });
    await until("it is back", async () => (await bansOf(one)).includes("hr/watched"));
    expect(await why(one, "hr/other")).toContain("No ban hr/other is in force here.");
    expect(await why(one, "hr/other")).toContain("there is no tool none");
    expect((await one.status()).warnings.map(({ code }) => code)).toContain("not-counted");
  });

  test("a group's exception counts where the signers say who is in the group, and not where a device says it", async () => {
    const { tool, start, publish, base } = await place();
    const exceptions = [{ ban: "watched", group: "hr", until: ago(-24) }];
    await publish("targets", "policy.json", { ...base("block"), exceptions });
    const one = start({ groups: ["hr", "Laptops 7"] });
    await one.says("a policy is in force");
    expect(await end(await tool.start())).toBe("SIGTERM");
    expect(await why(one, "watched")).toContain("only this device's own configuration says that it is in that group");
    await publish("targets", "devices.json", { formatVersion: 1, groups: { hr: { managed: ["Laptops 7"] } } });
    await until("the signers' list is here", async () => (await one.status()).groups[0]?.vouched === true);
    const excepted = await tool.start();
    const used = async (): Promise<boolean> => (await one.status()).recorded.some(({ mode }) => mode === "allow");
    await until("the exception is used", used);
    expect(isAlive(excepted)).toBe(true);
  });

  test("an exception closes no breaker and forgets no stop, and new bans do", async () => {
    const { tool, folder, start, publish, group, base } = await place();
    const limits = { breaker: { programs: 2, window: "PT1H" } };
    await publish("targets", "policy.json", { ...base("block"), limits });
    const one = start({ groups: ["finance"] });
    await one.says("a policy is in force");
    expect(await end(await tool.start())).toBe("SIGTERM");
    const open = async (): Promise<boolean> =>
      (await one.status()).warnings.some(({ code }) => code === "breaker-open");
    const hash = sha256((await one.status()).device);
    const grants = [
      { ban: "unknown", device: hash, granted: ago(1), until: ago(-1) },
      { ban: "watched", device: hash, granted: ago(-48), until: ago(-72) },
    ];
    const shard = `exceptions/${hash.slice(0, 2)}.json`;
    await publish("exceptions", shard, { formatVersion: 1, exceptions: grants });
    await until("the exception is here", async () => (await inForce(one)).conflicts.length > 0);
    expect(await open()).toBe(false);
    const copy = join(folder, "copy");
    copyFileSync(join(folder, tool.id), copy);
    const second = spawn(copy, ["600"], { stdio: "ignore" });
    onTestFinished(() => void second.kill("SIGKILL"));
    expect(await end(second)).toBe("SIGTERM");
    await until("the breaker is open", open);
    await publish("exceptions", shard, { formatVersion: 1, exceptions: grants.slice(1) });
    await until("fewer exceptions are here", async () => (await inForce(one)).conflicts.length === 0);
    expect(await open()).toBe(true);
    expect(await why(one, "watched")).toMatch(
      /an exception of the server's was granted on .*, which is still to come here/,
    );
    await publish("group-finance", "groups/finance/policy.json", group("finance", { tool: "none" }));
    await until("the breaker is closed", async () => !(await open()));
  });
});
