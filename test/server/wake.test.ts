import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { quiet } from "#lib/log.ts";
import { wakeAnswerSchema, wakePath } from "#protocol/wake.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { initRepository, resignTimestamp, type Repository } from "#publish/repository.ts";
import { signerOf } from "#publish/signer.ts";
import { Wakes } from "#server/wakes.ts";
import { enrolled, folder, server, TestClock } from "./harness.ts";

const never = new AbortController().signal;

async function administrator(where: Repository): Promise<(name: string) => Promise<void>> {
  const key = signerOf(generateKeyPairSync("ed25519").privateKey);
  await initRepository({ ...where, key });
  const catalog = Buffer.from('{"formatVersion":1,"tools":[]}');
  return async (name) => {
    const policy = Buffer.from(JSON.stringify({ name, bans: [], allowEmpty: true }));
    const proposal = await signPolicy({ repo: where.dir, policy, catalog, key, clock: where.clock });
    await publishProposal({ ...where, proposal });
  };
}

/** A repository, and who waits for it. */
async function waitingFor(most?: number) {
  const dir = await folder();
  const where = { dir: join(dir, "repo"), keysDir: join(dir, "keys"), clock: new TestClock() };
  const publish = await administrator(where);
  const wakes = await Wakes.open(where.dir, quiet, most);
  onTestFinished(() => wakes.close());
  return { where, publish, wakes, edition: await wakes.heard(undefined, never) };
}

test("a device that is enrolled hears of what is published, once it is there", async () => {
  const here = await server();
  const { link } = await enrolled(here);
  const ask = (known?: string) => link.post(wakePath, { known }, wakeAnswerSchema);
  const none = await ask();
  expect(none).toEqual({ edition: "none" });
  const waiting = ask(none.edition);
  const { repo: dir, keys: keysDir } = here.paths;
  const publish = await administrator({ dir, keysDir, clock: here.clock });
  const first = await waiting;
  expect(first).not.toEqual(none);
  expect(await ask("something else")).toEqual(first);
  const next = ask(first.edition);
  await publish("next");
  expect(await next).not.toEqual(first);
  await expect(link.post(wakePath, { known: 7 }, wakeAnswerSchema)).rejects.toMatchObject({ code: "REFUSED" });
});

test("the hourly timestamp is no news, and what cannot be read is none", async () => {
  const { where, publish, edition } = await waitingFor();
  const now = async (): Promise<string> => {
    const fresh = await Wakes.open(where.dir, quiet);
    fresh.close();
    return fresh.heard(undefined, never);
  };
  await resignTimestamp(where);
  expect(await now()).toBe(edition);
  await publish("next");
  expect(await now()).not.toBe(edition);
  await writeFile(join(where.dir, "timestamp.json"), "{");
  expect(await now()).toBe("none");
});

test("who hangs up waits no more, and the end of the server keeps nobody", async () => {
  const { wakes, edition } = await waitingFor();
  const gone = new AbortController();
  const [left, stays] = [wakes.heard(edition, gone.signal), wakes.heard(edition, never)];
  expect(wakes.waiting).toBe(2);
  gone.abort();
  expect(await left).toBe(edition);
  expect(wakes.waiting).toBe(1);
  wakes.close();
  expect(await stays).toBe(edition);
  expect(wakes.waiting).toBe(0);
  expect(await wakes.heard(edition, never)).toBe(edition);
});

test("no more than a number wait, and the others are told when to come back", async () => {
  const { wakes, edition, publish } = await waitingFor(1);
  const heard = wakes.heard(edition, never);
  await expect(wakes.heard(edition, never)).rejects.toMatchObject({ status: 503, code: "busy", retryAfter: 300 });
  await publish("next");
  expect(await heard).not.toBe(edition);
});
