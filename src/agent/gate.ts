import { Duty } from "#agent/gate-duty.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import type { Gate } from "#platform/gate.ts";
import { selectPlatform } from "#platform/select.ts";
import { beginSchema, type Begin, type FromGate } from "#protocol/gate.ts";

/** The descriptor that the agent leaves to its gate process: one end of a socket pair. */
const controlDescriptor = 3;

/**
 * The gate's process, from its first line to its end (docs/decisions/0013). Everything is loaded and compiled before the kernel is
 * told to ask: a policy that changes gets a process of its own, so no answer comes from half of one. Returns when another gate has taken over,
 * or the agent has gone.
 */
export async function runGate(clock: Clock): Promise<void> {
  const platform = await selectPlatform();
  if (platform.openGate === undefined) return;
  const gate = platform.openGate(controlDescriptor);
  const say = (message: FromGate): void => gate.control.say(JSON.stringify(message));
  const begin = beginOf(gate);
  if (begin === undefined) return; // the agent has gone
  try {
    const matcher = begin.compile();
    const duty = new Duty({ gate, matcher, begin: begin.line, isVital: (file) => platform.isVital(file), clock });
    say({ say: "ready", ...gate.mark(begin.line.only?.mounts, begin.line.leave) });
    await gate.serve(duty);
  } catch (error) {
    say({ say: "failed", why: describe(error) });
  }
}

function beginOf(gate: Gate): { readonly line: Begin; compile(): Matcher } | undefined {
  const text = gate.control.waitLine();
  if (text === undefined) return undefined;
  const line = beginSchema.parse(JSON.parse(text));
  const policy = gate.control.waitBytes(line.policy);
  const catalog = gate.control.waitBytes(line.catalog);
  if (policy === undefined || catalog === undefined) return undefined;
  return { line, compile: () => compile(parsePolicy(policy, { newer: "tolerate" }), parseCatalog(catalog)) };
}
