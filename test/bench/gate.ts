import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { bench as stream } from "./stream.ts";
import type { Bench, Row } from "./table.ts";

/** `EDICT_BENCH_GATE="seen first"` measures only these parts. */
const parts = (process.env["EDICT_BENCH_GATE"] ?? "").split(" ").filter((part) => part !== "");
const unshare = ["--mount", "--propagation", "private"];

/** As Debian numbers it; empty where it is not installed. */
function versionOf(name: string): string {
  try {
    return execFileSync("dpkg-query", ["-W", "-f", "${Version}", name], {
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
  } catch {
    return "";
  }
}

/** What it mounts and marks must not be seen by anybody else: it runs in a mount namespace of its own. */
export const bench: Bench = {
  title: "what it costs to be asked before a program runs; ratios are to nothing watching",
  peer: `fapolicyd ${versionOf("fapolicyd")}`,
  run: async () => {
    if (process.getuid?.() !== 0) throw new Error("only root may mount file systems and answer for them");
    const folder = mkdtempSync(join(tmpdir(), "edict-bench-gate-"));
    chmodSync(folder, 0o755);
    try {
      const inside = [process.execPath, "--expose-gc", join(import.meta.dirname, "gate/inside.ts"), folder, ...parts];
      const child = spawn("unshare", [...unshare, ...inside], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const rows = await text(child.stdout);
      if ((await ended) !== 0) throw new Error("it did not come to an end");
      const streams = parts.length === 0 || parts.includes("stream") ? await stream.run() : [];
      return [...(JSON.parse(rows) as readonly Row[]), ...streams];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
