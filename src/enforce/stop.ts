import { Frozen, type Family, type TreeTools } from "#enforce/freeze.ts";
import type { Held } from "#platform/platform.ts";
import type { ProcessId } from "#policy/outcome.ts";

/** Milliseconds. `term`: between SIGTERM and SIGKILL, so that a tool can put its terminal in order · `kill`: until what was killed must be gone. */
export interface StopTimes {
  readonly term: number;
  readonly kill: number;
}

export type Stopped =
  | { readonly did: "stopped"; readonly ended: readonly number[]; readonly left: readonly number[] }
  | { readonly did: "gone" }
  | { readonly did: "spared" }
  | { readonly did: "failed"; readonly error: string; readonly left?: readonly number[] };

/**
 * Ends a process and its tree: SIGTERM to the tool alone where it can hear it, then SIGSTOP through the tree to a fixed point,
 * then SIGKILL, leaf to root. Each signal goes through a pidfd and is refused when the process is no longer the one that was judged
 * (pidfd_send_signal(2); law 2). Whoever was stopped and is not killed goes on again, also when something fails.
 */
export async function stopTree(
  tools: TreeTools,
  id: ProcessId,
  times: StopTimes,
  signal: AbortSignal,
): Promise<Stopped> {
  const tool = tools.hold(id);
  if (tool === undefined) return await missing(tools, id);
  const seen = await tools.inspect(id.pid);
  const family: Family = {
    uid: seen?.process.uid,
    session: seen?.process.session,
    never: new Set([1, process.pid, process.ppid]),
  };
  const tree = new Frozen(tools, family);
  try {
    // Looked up before the tool ends: afterwards its children are init's, and nobody knows whose they were.
    const children = await tree.look(id.pid);
    let ended = false;
    if (tool.hearsTerm()) {
      const termed = tool.signal("TERM");
      if (termed !== "sent") return unsent(termed);
      ended = await tool.ended(times.term);
    }
    if (signal.aborted) return { did: "failed", error: "the agent is stopping" };
    const stopped = await kill(tree, tool, ended ? children : [id, ...children], times);
    // It answered SIGTERM by becoming another program: that one is judged as itself.
    return stopped.did === "failed" && tools.hold(id) === undefined ? { did: "spared" } : stopped;
  } finally {
    tree.thaw();
    tool.close();
  }
}

async function kill(tree: Frozen, tool: Held, roots: readonly ProcessId[], times: StopTimes): Promise<Stopped> {
  await tree.freeze(roots);
  const killed = tree.held.toReversed().filter((held) => held.signal("KILL") === "sent");
  const toolEnded = await tool.ended(times.kill);
  const gone = await Promise.all(killed.map(async (held) => ((await held.ended(times.kill)) ? [held.id.pid] : [])));
  const { left } = tree;
  if (!toolEnded) return { did: "failed", error: "it is still there after SIGKILL", left };
  const ended = new Set([tool.id.pid, ...gone.flat().toReversed()]);
  return { did: "stopped", ended: [...ended], left };
}

/** There is nobody whom the id fits: did it end, or is it something else by now (law 2)? */
async function missing(tools: TreeTools, id: ProcessId): Promise<Stopped> {
  const seen = await tools.inspect(id.pid);
  return { did: seen === undefined || seen.process.start !== id.start ? "gone" : "spared" };
}

function unsent(answer: "gone" | "changed" | "refused"): Stopped {
  switch (answer) {
    case "gone":
      return { did: "gone" };
    case "changed":
      return { did: "spared" };
    case "refused":
      return { did: "failed", error: "the system refused the signal" };
  }
}
