import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { textOption, type Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { jsonSchemas } from "#policy/schemas.ts";

/** `edict policy schema`: JSON Schema of every document that people write. */
export const command: Command = {
  options: [["--write <dir>", "write one file each into this folder"]],
  run: async (input, io) => {
    const dir = textOption(input, "write");
    for (const [name, text] of jsonSchemas())
      if (dir === undefined) io.out(text);
      else await writeFile(resolve(io.cwd, dir, name), text);
    return exitCodes.ok[0];
  },
};
