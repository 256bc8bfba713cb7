import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";

export const command: Command = {
  run: (_input, io) => {
    for (const [name, [code, meaning]] of Object.entries(exitCodes))
      io.out(`${String(code).padStart(3)}  ${name.padEnd(10)} ${meaning}\n`);
    return Promise.resolve(exitCodes.ok[0]);
  },
};
