import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { build } from "esbuild";
import { memory } from "../shipped.ts";

const kinds = ["ours", "peer", "cached", "floor", "activation"] as const;
export type Kind = (typeof kinds)[number];

/** CommonJS packages inside an ES module bundle ask for `require`. */
const banner = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/** As they are shipped: one file each, so that no compiler of types is in their memory or their time. */
export async function bundleChildren(outdir: string): Promise<void> {
  await build({
    entryPoints: kinds.map((kind) => join(import.meta.dirname, `child-${kind}.ts`)),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    banner: { js: banner },
    logLevel: "warning",
  });
}

/** What a child says in its one line; undefined where it was not done in time. It is gone afterwards. */
export async function ask(
  dir: string,
  kind: Kind,
  task: object,
  patience = 120_000,
  meanwhile: (child: ChildProcess) => Promise<void> = () => Promise.resolve(),
): Promise<unknown> {
  const child = spawn(process.execPath, [join(dir, `child-${kind}.mjs`), JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  const ended = once(child, "exit");
  try {
    for await (const line of createInterface(child.stdout)) {
      await meanwhile(child);
      return JSON.parse(line) as unknown;
    }
    const [code, signal] = await ended;
    if (signal === "SIGKILL") return undefined;
    throw new Error(`the child for ${kind} has ended with ${String(code)}`);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await ended;
  }
}

/** Private_Dirty in MB, a second after it has said that it is done. */
export async function memoryOf(dir: string, kind: Kind, task: object): Promise<number> {
  let found = Number.NaN;
  await ask(dir, kind, task, undefined, async ({ pid }) => {
    await after(1_000);
    found = memory(pid ?? 0).privateDirty;
  });
  return found;
}

/** Of a Node that does nothing. */
export async function bareMemory(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 60_000)"], { stdio: "ignore" });
  await after(3_000);
  const { privateDirty } = memory(child.pid ?? 0);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  return privateDirty;
}
