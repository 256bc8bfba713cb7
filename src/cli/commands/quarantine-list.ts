import { jsonLine } from "#cli/printable.ts";
import { existsSync } from "node:fs";
import type { Command } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { folderOption, quarantineFolder } from "#cli/quarantine-folder.ts";
import { clean } from "#lib/pure/text.ts";
import type { Quarantined } from "#platform/platform.ts";
import { selectPlatform } from "#platform/select.ts";

export const command: Command = {
  options: [folderOption, ["--json", "print JSON"]],
  run: async (input, io) => {
    const folder = quarantineFolder(input);
    // Where nothing was ever put aside there is no folder, and looking makes none.
    const found = existsSync(folder) ? await (await selectPlatform()).inQuarantine(folder) : [];
    io.out(input.options["json"] === true ? jsonLine(found) : words(found, folder));
    return exitCodes.ok[0];
  },
};

function words(found: readonly Quarantined[], folder: string): string {
  if (found.length === 0) return `Nothing is in quarantine (${folder}).\n`;
  const rows = found.map(
    ({ id, at, owner, bytes, from }) => `${id}  ${at}  user ${owner}  ${size(bytes)}  ${clean(from, 400)}\n`,
  );
  return [...rows, "\nTo bring one back: edict quarantine restore ID\n"].join("");
}

function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return new Intl.NumberFormat("en", { style: "unit", unit: units[unit], maximumSignificantDigits: 3 }).format(value);
}
