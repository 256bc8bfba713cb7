import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { systemClock } from "#lib/clock.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Platform, TerminalRun } from "#platform/platform.ts";
import { startDesktop, type Desktop } from "../desktop.ts";
import { startEstate } from "./estate.ts";
import { ship, textOf, until, type Shipped } from "./shipped.ts";
import { quantile, type Bench, type Row } from "./table.ts";

/** Bans nothing on anybody's machine but a script of ours. */
const tool = { id: "bench-parrot", package: "@edict-bench/parrot" };
/** What is installed, one each round: the same package once more would be no news. */
const installed = Array.from({ length: 30 }, (_, i) => `edict-bench-parrot-${i}`);
const policy = {
  formatVersion: 1,
  name: "bench",
  limits: { notifyPerDay: 1000, breaker: { programs: 10_000, window: "PT1M" } },
  bans: [
    {
      id: "parrot",
      tool: tool.id,
      reason: "It is a stand-in.",
      owner: "security@example.com",
      stages: [{ from: "2026-01-01T00:00:00Z", mode: "block" }],
    },
  ],
  tools: [
    {
      id: tool.id,
      name: "Parrot",
      vendor: "Edict",
      category: "demo",
      identities: [tool.package, ...installed].map((id) => ({ kind: "package", ecosystem: "npm", id })),
    },
  ],
};

/** A package as npm leaves it; its script waits for a minute. Gives the script. */
function makePackage(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
  const script = join(folder, "cli.js");
  writeFileSync(script, `#!${process.execPath}\nsetTimeout(() => {}, 60_000);\n`, { mode: 0o755 });
  return script;
}

interface Round {
  /** Milliseconds since the program was started. */
  readonly signal: number;
  readonly line: number;
  /** Undefined where there is no desktop. */
  readonly toast: number | undefined;
}

interface Stage {
  readonly platform: Platform;
  readonly script: string;
  readonly journal: string;
  readonly desktop: Desktop | undefined;
  /** They stay open: one terminal is told one thing once in five seconds, and numbers of closed ones come again. */
  readonly terminals: TerminalRun[];
}

const told = (text: string): number => text.split('"toast":"shown"').length - 1;

/** One person's start of the banned script, in a terminal of its own; at a moment that no sweep knows of. */
async function round({ platform, script, journal, desktop, terminals }: Stage, sweepSeconds: number): Promise<Round> {
  await after(Math.random() * sweepSeconds * 1000);
  const before = told(textOf(journal));
  let screen = "";
  let [signal, line] = [Number.NaN, Number.NaN];
  const began = performance.now();
  const since = (): number => performance.now() - began;
  const run = platform.runInTerminal("/bin/sh", ["-c", '"$0"; echo "[exit $?]"; read _', script], {
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    ...(desktop !== undefined && { as: { uid: desktop.uid, gid: desktop.gid } }),
    onOutput: (text) => {
      screen += text;
      if (Number.isNaN(line) && screen.includes("Parrot was stopped")) line = since();
      if (Number.isNaN(signal) && screen.includes("[exit ")) signal = since();
    },
  });
  terminals.push(run);
  await until("the program was stopped and its terminal says why", () => !Number.isNaN(signal + line));
  if (desktop === undefined) return { signal, line, toast: undefined };
  await until("the toast is shown", () => told(textOf(journal)) > before);
  return { signal, line, toast: since() };
}

/** From the rename that completes an install to the event in the journal, which is written as the spool is. */
async function install(roots: string, journal: string, name: string): Promise<number> {
  const staged = join(roots, "staged", name);
  makePackage(staged, name);
  const began = performance.now();
  renameSync(staged, join(roots, "node_modules", name));
  await until("the install is in the journal", () => textOf(journal).includes(`node_modules/${name}"`));
  return performance.now() - began;
}

function rowsOf(name: string, values: readonly number[], against?: number): readonly Row[] {
  if (values.length === 0) return [];
  const times = Float64Array.from(values);
  const base = against === undefined ? {} : { against };
  return [
    { name: `${name}, median of ${values.length}`, value: quantile(times, 0.5), unit: "ms", ...base },
    { name: `${name}, longest`, value: Math.max(...values), unit: "ms", ...base },
  ];
}

async function measure(
  shipped: Shipped,
  desktop: Desktop | undefined,
  sweepSeconds: number,
  rounds: number,
): Promise<readonly Row[]> {
  const estate = await startEstate(Buffer.from(JSON.stringify(policy)), systemClock);
  const tools = join(shipped.folder, `tools-${sweepSeconds}`);
  const script = makePackage(join(tools, "lib/node_modules", tool.package), tool.package);
  const roots = join(shipped.folder, `roots-${sweepSeconds}`);
  mkdirSync(join(roots, "node_modules"), { recursive: true });
  mkdirSync(join(roots, "staged"));
  const command = join(tools, "parrot");
  symlinkSync(script, command);
  const terminals = new Array<TerminalRun>();
  const agent = await shipped.start(estate, { sweepSeconds, roots: [join(roots, "node_modules")] });
  try {
    const journal = join(estate.settings.state, "journal.ndjson");
    await after(2_000);
    const stage = { platform: await selectPlatform(), script: command, journal, desktop, terminals };
    await round(stage, 0); // the session process starts with the first toast
    const seen = new Array<Round>();
    for (let i = 0; i < rounds; i += 1) seen.push(await round(stage, sweepSeconds));
    const installs = new Array<number>();
    for (const name of installed.slice(0, rounds)) installs.push(await install(roots, journal, name));
    const every = `sweep ${sweepSeconds} s`;
    return [
      ...rowsOf(
        `${every}: start to the program's end`,
        seen.map((r) => r.signal),
        sweepSeconds * 1000,
      ),
      ...rowsOf(
        `${every}: start to the line in its terminal`,
        seen.map((r) => r.line),
        sweepSeconds * 1000,
      ),
      ...rowsOf(
        `${every}: start to the toast shown`,
        seen.flatMap((r) => r.toast ?? []),
        sweepSeconds * 1000,
      ),
      ...rowsOf(`${every}: a package in place to its event`, installs),
    ];
  } finally {
    for (const terminal of terminals) terminal.stop();
    await agent.stop();
    await estate.close();
    rmSync(tools, { recursive: true });
    rmSync(roots, { recursive: true });
  }
}

/** A person at a desktop, where there can be one. */
async function desktopOrNot(): Promise<Desktop | undefined> {
  try {
    return await startDesktop({ user: "edict-bench", language: "en" });
  } catch (error) {
    console.log(`no toasts here: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

export const bench: Bench = {
  title: "from the start of a banned program to what the person sees; no peer here does the same",
  run: async () => {
    const shipped = await ship();
    try {
      const rows = new Array<Row>();
      // The agent gathers what one person does more than twenty times under one ban, and says it together.
      for (const [sweepSeconds, rounds] of [
        [0.5, 18],
        [5, 8],
      ] as const) {
        const desktop = await desktopOrNot(); // each its own: a notification server holds twenty toasts
        try {
          rows.push(...(await measure(shipped, desktop, sweepSeconds, rounds)));
        } finally {
          await desktop?.stop();
        }
      }
      return rows;
    } finally {
      shipped.remove();
    }
  },
};
