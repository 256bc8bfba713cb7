import type { Command } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { printable } from "#cli/printable.ts";
import { inForceSchema, type InForce } from "#protocol/status.ts";

export const command: Command = {
  options: [["--json", "print JSON"]],
  run: async (input, io) => {
    const inForce = inForceSchema.parse(await ask({ ask: "policy" }, io));
    io.out(input.options["json"] === true ? `${JSON.stringify(inForce)}\n` : `${words(inForce).join("\n")}\n`);
    return exitCodes.ok[0];
  },
};

function words(inForce: InForce): readonly string[] {
  const { conflicts } = inForce;
  return [
    ...banWords(inForce),
    ...(conflicts.length === 0 ? [] : ["What was signed and does not count here:"]),
    ...conflicts.map((conflict) => `  ${printable(conflict)}`),
  ];
}

function banWords({ name, version, bans }: InForce): readonly string[] {
  if (bans.length === 0)
    return [
      version === 0 ? "No policy yet." : `${printable(name)}, version ${version}: nothing is banned on this device.`,
    ];
  return [
    `${printable(name)}, version ${version}:`,
    ...bans.flatMap((ban) => [
      `  ${printable(ban.id)}: ${printable(ban.tool)}, ${ban.mode}${ban.since === null ? "" : ` since ${ban.since}`}${ban.group === null ? "" : ` (of the group ${printable(ban.group)})`}`,
      `    ${printable(ban.reason)}`,
      ...(ban.replacement === null ? [] : [`    use instead: ${printable(ban.replacement)}`]),
      ...(ban.next === null ? [] : [`    from ${ban.next.from}: ${ban.next.mode}`]),
    ]),
  ];
}
