import { Gatekeeper } from "#agent/gatekeeper.ts";
import { systemClock } from "#lib/clock.ts";
import { quiet } from "#lib/log.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromBytes } from "#observe/raw-path.ts";
import { selectPlatform } from "#platform/select.ts";
import { compile } from "#policy/compile.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { generationOf } from "../../fakes/generation.ts";
import { until } from "../shipped.ts";
import type { Register } from "./policy.ts";
import type { Watcher } from "./watchers.ts";

/** Edict's gate as the agent keeps it, a process of its own, without the agent: nobody looks at processes or tells anybody. */
export async function startEdict({ policy, catalog }: Register, mount: string): Promise<Watcher> {
  const platform = await selectPlatform();
  const { wanted } = compile(parsePolicy(policy), parseCatalog(catalog));
  const identifier = new Identifier({ wanted, dpkg: new DpkgDatabase("/var/lib/dpkg"), clock: systemClock });
  const device = deviceOf(deviceSchema.parse({ id: "bench" }));
  const troubles = { late: 0, overflows: 0 };
  const keeper = new Gatekeeper({
    platform,
    log: { ...quiet, error: (text, fields) => console.error(mount, text, fields) },
    agent: process.pid,
    failClosed: false,
    only: { mounts: [mount], elsewhere: false },
    now: () => systemClock.now(),
    device: () => device,
    hears: {
      denied: () => undefined,
      late: () => void (troubles.late += 1),
      overflow: () => void (troubles.overflows += 1),
      owner: async ({ path, dev, ino }) => {
        const raw = rawFromBytes(Buffer.from(path, "base64"));
        const seen = raw && (await identifier.owner(raw, { dev, ino }));
        return seen === undefined ? {} : { seen };
      },
      person: ({ uid }) => Promise.resolve({ name: String(uid) }),
      opener: () => Promise.resolve({}),
    },
  });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  keeper.policy(generationOf(1, policy, catalog));
  await until("the gate answers", () => keeper.state().up);
  const { pid } = keeper.health;
  if (pid === undefined) throw new Error("the gate has no process");
  return {
    pid,
    inside: [],
    denies: true,
    troubles: () => troubles,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}
