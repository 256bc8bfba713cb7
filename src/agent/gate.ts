import { Duty } from "#agent/gate-duty.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Matcher } from "#policy/compile.ts";
import { makeReady } from "#policy/ready.ts";
import type { Gate } from "#platform/gate.ts";
import { selectPlatform } from "#platform/select.ts";
import { beginSchema, type Begin, type FromGate } from "#protocol/gate.ts";
import { sha256 } from "#trust/sha256.ts";

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

/** The policy is made ready as the agent makes it, of the same parts: neither knows a ban that the other does not. */
function beginOf(gate: Gate): { readonly line: Begin; compile(): Matcher } | undefined {
  const text = gate.control.waitLine();
  if (text === undefined) return undefined;
  const line = beginSchema.parse(JSON.parse(text));
  const parts: Uint8Array[] = [];
  for (const length of [line.policy, line.catalog, ...line.groups.map(([, n]) => n), line.exceptions]) {
    const bytes = length === null ? none : gate.control.waitBytes(length);
    if (bytes === undefined) return undefined;
    parts.push(bytes);
  }
  const [policy = none, catalog = none, ...rest] = parts;
  const groups = new Map(line.groups.map(([name], i) => [name, rest[i] ?? none]));
  const exceptions = line.exceptions === null ? undefined : rest.at(-1);
  const { id, groups: vouched, claimed } = line.device;
  const whom = { id, hash: sha256(id), groups: vouched, claimed };
  return { line, compile: () => makeReady({ policy, catalog, groups, exceptions }, whom).matcher };
}

const none = new Uint8Array();
