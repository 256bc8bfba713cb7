import { spawn, type ChildProcess } from "node:child_process";
import { systemCode } from "#lib/errors.ts";
import { environment, type Launch } from "./launch.ts";
import type { Place } from "./place.ts";

/** What became of one disguised tool. Times in milliseconds. */
export type Result =
  /** The kernel was told no: it never ran. */
  | { readonly is: "denied" }
  /** It ran for so long, counted from its own first line. */
  | { readonly is: "killed"; readonly after: number }
  /** It was ended before its first line, so long after it was started. */
  | { readonly is: "killed early"; readonly after: number }
  /** It ran until it ended by itself. */
  | { readonly is: "missed" }
  /** This disguise is none for this tool, or none on this machine. */
  | { readonly is: "not applicable"; readonly why: string }
  /** Neither of these: something is wrong with the disguise or with the matrix. */
  | { readonly is: "broken"; readonly why: string };

/** A tool that was started and writes when it runs. */
export interface Started {
  /** Its first line has come, or it has ended without one. */
  readonly witnessed: Promise<void>;
  /** What became of it, once everything that it started has ended. */
  readonly ended: Promise<Result>;
}

/** Signals of an end from outside, and how a shell reports them (sh(1)). */
const ends = new Map<string | number, true>(["SIGKILL", "SIGTERM", 137, 143].map((end) => [end, true]));
/** What unshare(1) says when its child was ended by SIGKILL, which it cannot set to its default to end by itself. */
const unshared = "sigprocmask unblock failed";
const refused = /operation not permitted|permission denied|EPERM|EACCES/iu;

/** Monotonic milliseconds, by the clock that the tools use (clock_gettime(2)). */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Starts a tool that lives for `life` milliseconds where it is let. `from`: when its time begins to count, instead of at its own first line. */
export function start(place: Place, launch: Launch, life: number, from?: () => number): Started {
  const began = now();
  const [program, ...args] = launch.argv;
  const options = {
    ...(launch.as === undefined && { uid: place.uid, gid: place.gid }),
    ...(launch.argv0 !== undefined && { argv0: launch.argv0 }),
    cwd: launch.cwd ?? place.home,
    env: environment(place, launch, life),
    stdio: ["ignore", "pipe", "pipe"] as const,
    detached: true,
  };
  let child: ChildProcess;
  try {
    child = spawn(program, args, { ...options, stdio: [...options.stdio] });
  } catch (error) {
    // execve(2) failed: Node says some errors so, others by an event.
    return { witnessed: Promise.resolve(), ended: Promise.resolve(failed(systemCode(error) ?? String(error))) };
  }
  const witnessed = Promise.withResolvers<void>();
  const ended = watch(child, { began, life, witnessed: witnessed.resolve, from });
  return { witnessed: witnessed.promise, ended };
}

function failed(code: string): Result {
  return refused.test(code) ? { is: "denied" } : { is: "broken", why: code };
}

interface Watching {
  readonly began: number;
  readonly life: number;
  readonly witnessed: () => void;
  readonly from: (() => number) | undefined;
}

async function watch(child: ChildProcess, { began, life, witnessed, from }: Watching): Promise<Result> {
  let [said, complained, error] = ["", "", ""];
  let heard = began;
  child.stdout?.on("data", (bytes: Buffer) => {
    said += bytes.toString();
    heard = now();
    witnessed();
  });
  child.stderr?.on("data", (bytes: Buffer) => (complained += bytes.toString()));
  let exited: { end: string | number | null; at: number } | undefined;
  child.once("exit", (code, signal) => (exited = { end: signal ?? code, at: now() }));
  child.once("error", (thrown) => (error = systemCode(thrown) ?? String(thrown)));
  const tooLong = setTimeout(() => endGroup(child), life + 20_000);
  await new Promise((resolve) => {
    child.once("close", resolve);
    child.once("error", resolve);
  });
  clearTimeout(tooLong);
  witnessed();
  const lines = [...said.matchAll(/^(runs|beats|ends) (\d+)\n/gmu)];
  const times = lines.map(([, , time]) => Number(time) / 1e6);
  const [first, last] = [times[0], times.at(-1)];
  if (first !== undefined && last !== undefined) {
    if (lines.at(-1)?.[1] === "ends") return { is: "missed" };
    // Bun's clock begins with its process: only differences mean something.
    return { is: "killed", after: from === undefined ? last - first : heard - from() };
  }
  if (exited !== undefined && exited.end !== null && (ends.has(exited.end) || complained.includes(unshared)))
    return { is: "killed early", after: exited.at - began };
  if (refused.test(error) || exited?.end === 126 || refused.test(complained)) return { is: "denied" };
  const words = complained.trim().split("\n").slice(-3).join(" / ");
  return { is: "broken", why: `it ended with ${exited?.end ?? error} and said ${JSON.stringify(words)}` };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}
