import { spawn } from "node:child_process";
import psList from "ps-list";
import { systemClock } from "#lib/clock.ts";
import { instantOf } from "#lib/pure/instant.ts";
import { Given } from "#observe/given.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { ProcessWatch } from "#observe/process-watch.ts";
import { selectPlatform } from "#platform/select.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { parsePolicy } from "#policy/parse.ts";
import { loadCatalog } from "#cli/catalog.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuSeconds, family, until } from "./shipped.ts";
import { quantile, type Bench, type Row } from "./table.ts";

const policyFile = join(import.meta.dirname, "../../policies/examples/ban-claude-code.json");
const rounds = 15;

/** A shell that starts that many sleepers, and takes them with it when its standard input closes. */
async function withSleepers<T>(many: number, work: () => Promise<T>): Promise<T> {
  const script =
    'i=0; while [ $i -lt "$0" ]; do sleep 3600 & i=$((i+1)); done; read _; trap "" TERM; kill -TERM 0; wait';
  const shell = spawn("/usr/bin/setsid", ["/bin/sh", "-c", script, String(many)], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const { pid } = shell;
  if (pid === undefined) throw new Error("no shell");
  const ended = new Promise((resolve) => shell.once("exit", resolve));
  try {
    await until("the sleepers sleep", () => family(pid).length > many);
    return await work();
  } finally {
    shell.stdin?.end();
    await ended;
  }
}

/** CPU of this process and of children that it has waited for: microseconds each process, the median of some rounds. */
async function each(work: () => Promise<number>): Promise<number> {
  const times = new Array<number>();
  for (let i = 0; i < rounds; i += 1) {
    const before = cpu();
    const processes = await work();
    times.push((cpu() - before) / processes);
  }
  return quantile(Float64Array.from(times), 0.5);
}

/** Our own in microseconds; children's in ticks of 10 ms, which is why they are added over many rounds by `together`. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The same where children do the work: all rounds at once, for a child's time is counted in ticks of 10 ms. */
async function together(work: () => Promise<number>): Promise<number> {
  const before = cpuSeconds(process.pid);
  let processes = 0;
  for (let i = 0; i < rounds; i += 1) processes += await work();
  return ((cpuSeconds(process.pid) - before) * 1e6) / processes;
}

async function rowsFor(many: number): Promise<readonly Row[]> {
  const platform = await selectPlatform();
  const matcher = compile(parsePolicy(readFileSync(policyFile)), await loadCatalog());
  const vital = new Set((await platform.vital()).map((file) => `${file.dev}:${file.ino}`));
  const device = { ...deviceOf(deviceSchema.parse({ id: "d" })), vital };
  const dpkg = new DpkgDatabase("/var/lib/dpkg");
  const identifier = new Identifier({ wanted: matcher.wanted, dpkg, clock: systemClock });
  const now = systemClock.now();
  let judged = 0;
  const watch = new ProcessWatch({
    platform,
    clock: systemClock,
    given: new Given(),
    give: (evidence) => {
      decide(matcher, evidence, now, device);
      judged += 1;
    },
  });
  const sweep = async (): Promise<number> => (await watch.sweep(identifier, () => instantOf(0))).processes;
  const all = async (): Promise<number> => {
    watch.lookAgain();
    judged = 0;
    await sweep();
    return judged;
  };
  return withSleepers(many, async () => {
    await sweep(); // files are read, once for each
    await all();
    const again = await each(all);
    const still = await each(sweep);
    const peer = await together(async () => (await psList()).length);
    const words = `${many.toLocaleString("en")} sleepers`;
    return [
      { name: `${words}: ps-list, one listing, judging nothing`, value: peer, unit: "µs/process" },
      { name: `${words}: a sweep in which nothing is new`, value: still, unit: "µs/process", against: peer },
      {
        name: `${words}: a sweep that reads, identifies and judges all`,
        value: again,
        unit: "µs/process",
        against: peer,
      },
    ];
  });
}

export const bench: Bench = {
  title: "CPU for each process in a sweep, children included; the peer is ps-list, which starts ps",
  run: async () => [...(await rowsFor(200)), ...(await rowsFor(2_000))],
};
