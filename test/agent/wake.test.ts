import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { startServer } from "#server/start.ts";
import { agent, nothing, openFolder, publisher, until } from "./place.ts";

test("a device looks when something was published, long before it would ask", async () => {
  const folder = await openFolder();
  const signer = await publisher(folder);
  await signer.publish(nothing);
  const server = await startServer({ data: join(folder, "server"), listen: "127.0.0.1:0", clock: systemClock });
  onTestFinished(() => server.close());
  const enrolSecretFile = join(folder, "enrol.secret");
  writeFileSync(enrolSecretFile, server.enrolSecret, { mode: 0o600 });
  const one = agent(folder, { server: server.url, root: signer.root, enrolSecretFile, pollSeconds: 3600 });
  await one.says("a policy is in force");
  const figures = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
  await until("the device waits", async () => (await figures()).includes("edict_devices_waiting 1\n"));
  await signer.publish({ ...nothing, name: "news" });
  await one.says('"name":"news"');
  expect((await one.status()).policy.version).toBe(3);
});
