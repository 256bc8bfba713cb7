import { textOption, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { readPolicy } from "#cli/policy-files.ts";
import { readGroup } from "#cli/policy-parts.ts";
import type { Policy } from "#policy/ban.ts";
import { diff } from "#policy/diff.ts";
import { asPolicy } from "#policy/group.ts";

/** `edict policy diff A B`: what signing B instead of A changes. */
export const command: Command = {
  arguments: ["<a>", "<b>"],
  options: [
    ["--group <name>", "both are policies of this group"],
    ["--json", "print JSON"],
  ],
  run: async (input, io) => {
    const [a = "", b = ""] = input.args;
    const group = textOption(input, "group");
    const read = async (file: string): Promise<Policy> =>
      group === undefined ? readPolicy(io, file) : asPolicy(await readGroup(io, group, file));
    const changes = diff(await read(a), await read(b));
    if (input.options["json"] === true) io.out(`${JSON.stringify(changes)}\n`);
    else if (changes.length === 0) io.out("They say the same.\n");
    else for (const { text } of changes) io.out(`${text}\n`);
    return exitCodes.ok[0];
  },
};
