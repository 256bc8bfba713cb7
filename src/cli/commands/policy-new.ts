import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { systemCode } from "#lib/errors.ts";
import { formatInstant, instantOf, type Instant } from "#lib/pure/instant.ts";

const day = 86_400_000;

/** Midnight, in UTC, some days after a moment. */
function midnight(now: Instant, days: number): string {
  return formatInstant(instantOf(Math.floor(now / day) * day + days * day));
}

/** A policy to start from: one ban that first looks, then tells, and stops only after two weeks. */
export function startingPolicy(now: Instant): string {
  const policy = {
    formatVersion: 1,
    name: "our-software",
    bans: [
      {
        id: "claude-code",
        tool: "claude-code",
        reason: "Say here, in a sentence, why. The person who is stopped will read it.",
        owner: "security@example.com",
        stages: [
          { from: midnight(now, 0), mode: "observe" },
          { from: midnight(now, 7), mode: "notify" },
          { from: midnight(now, 14), mode: "block" },
        ],
        replacement: { tool: "qodercli", ready: "preferred", equivalents: [{ from: "claude", to: "qodercli" }] },
        running: { grace: "PT10M" },
        exceptions: { max: "P30D" },
        message: { en: "Claude Code is not approved here. Please use Qoder CLI." },
      },
    ],
    limits: { notifyPerDay: 3, breaker: { programs: 20, window: "PT1M" } },
  };
  return `${JSON.stringify(policy, undefined, 2)}\n`;
}

/** `edict policy new [FILE]`: prints it, or writes it where nothing is yet. */
export const command: Command = {
  arguments: ["[file]"],
  run: async (input, io) => {
    const [file] = input.args;
    const text = startingPolicy(io.clock.now());
    if (file === undefined) {
      io.out(text);
      return exitCodes.ok[0];
    }
    try {
      await writeFile(resolve(io.cwd, file), text, { flag: "wx" });
    } catch (cause) {
      const why = systemCode(cause) === "EEXIST" ? "is there already; nothing was written" : "cannot be written";
      throw new CommandError(exitCodes.failed[0], `${file} ${why}`, systemCode(cause) === "EEXIST" ? {} : { cause });
    }
    io.out(`${file} is written. Next: edict policy lint ${file}\n`);
    return exitCodes.ok[0];
  },
};
