import { CommandError, textOption, type Input } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";

/** The option of both quarantine verbs. */
export const folderOption = ["--dir <folder>", "the quarantine (default: /var/lib/edict/quarantine)"] as const;

/** The quarantine's folder, for root alone: what lies in it belonged to others. @throws CommandError `denied` */
export function quarantineFolder(input: Input): string {
  if (process.getuid?.() !== 0)
    throw new CommandError(exitCodes.denied[0], "only root may look into the quarantine: try again with sudo");
  return textOption(input, "dir") ?? "/var/lib/edict/quarantine";
}
