import type { Command } from "#cli/command.ts";
import { ask } from "#cli/control-client.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { jsonLine, printable } from "#cli/printable.ts";
import { statusSchema, type Status } from "#protocol/status.ts";

export const command: Command = {
  options: [["--json", "print JSON"]],
  run: async (input, io) => {
    const status = statusSchema.parse(await ask({ ask: "status" }, io));
    io.out(input.options["json"] === true ? jsonLine(status) : `${words(status).join("\n")}\n`);
    return exitCodes.ok[0];
  },
};

/** What stands between a person and a banned program here. */
function lineRows({ gate, stream, sweep }: Status["lines"]): readonly string[] {
  return Object.entries({ gate, stream, sweep }).map(
    ([name, { up, why, means }]) =>
      `${name.padEnd(11)} ${up ? "up" : "DOWN"}: ${printable(means)}${why === null ? "" : ` (${printable(why)})`}`,
  );
}

/** Which groups this device is in, and who says so. */
function groupRows(groups: Status["groups"]): readonly string[] {
  const named = groups.map(({ name, vouched, bans }) => {
    const about = [...(vouched ? [] : ["by its own configuration only"]), ...(bans ? ["with bans of its own"] : [])];
    return about.length === 0 ? printable(name) : `${printable(name)} (${about.join(", ")})`;
  });
  return named.length === 0 ? [] : [`groups      ${named.join(", ")}`];
}

/** What the exec stream has told of since the agent runs. */
function startRows(execs: Status["watching"]["execs"]): readonly string[] {
  if (execs === null) return [];
  const { told, vanished, lost } = execs;
  const times = lost === 0 ? "" : `; too many at once ${lost} times: a sweep looked instead`;
  return [`starts      ${told} noticed, ${vanished} of them had ended before they could be read${times}`];
}

function words(status: Status): readonly string[] {
  const { policy } = status;
  const warnings = status.warnings.filter(({ code }) => code !== "line-down" && code !== "gate-behind"); // the lines speak for themselves
  const inForce =
    policy.version === 0
      ? "no policy yet: nothing is banned here"
      : `${printable(policy.name)}, version ${policy.version}, ${policy.bans} ${policy.bans === 1 ? "ban" : "bans"}, in force since ${policy.activatedAt ?? "?"} (${policy.state})`;
  return [
    `Edict ${status.version}, watching since ${status.since}`,
    `policy      ${inForce}`,
    ...groupRows(status.groups),
    `server      ${status.server ?? "none: enforcing what is on disk"}`,
    `enforcement ${status.enforcement === "policy" ? "as the policy says" : "OBSERVE ONLY: the emergency stop is set on this device"}`,
    `device      ${status.device}`,
    ...lineRows(status.lines),
    ...startRows(status.watching.execs),
    "",
    ...warnings.map((w) => `${w.severity === "error" ? "!" : "·"} ${printable(w.title)}: ${printable(w.text)}`),
    ...(warnings.length > 0 ? [""] : []),
    ...status.pending.map(
      (p) => `process ${p.pid} will be stopped at ${p.until} (ban ${printable(p.ban)}): save your work`,
    ),
    ...(status.pending.length > 0 ? [""] : []),
    status.recorded.length === 0
      ? "Nothing is recorded about you."
      : `Recorded about you, and sent to your administrator (${status.recorded.length}, newest last):`,
    ...status.recorded
      .slice(-20)
      .map(
        (e) =>
          `  ${e.at}  ${e.did.padEnd(11)} ${printable(e.tool ?? "-")}  ${printable(e.what)}  (ban ${printable(e.ban ?? "-")})${e.times === undefined ? "" : `, ${e.times} times since ${e.since ?? "?"}`}`,
      ),
  ];
}
