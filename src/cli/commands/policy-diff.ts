import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { diff } from "#policy/diff.ts";

/** `edict policy diff A B`: what signing B instead of A changes. */
export const command: Command = {
  arguments: ["<a>", "<b>"],
  options: [["--json", "print JSON"]],
  run: async (input, io) => {
    const [a = "", b = ""] = input.args;
    const changes = diff(await readPolicy(io, a), await readPolicy(io, b));
    if (input.options["json"] === true) io.out(`${JSON.stringify(changes)}\n`);
    else if (changes.length === 0) io.out("They say the same.\n");
    else for (const { text } of changes) io.out(`${text}\n`);
    return exitCodes.ok[0];
  },
};
