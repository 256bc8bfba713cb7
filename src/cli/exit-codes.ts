/** Every way an `edict` or `edict-server` command can end. Printed by `edict help exit-codes`, repeated in the README. */
export const exitCodes = {
  ok: [0, "done"],
  failed: [1, "it did not work; the message says what and where"],
  usage: [2, "wrong arguments, or a policy, catalog or configuration with errors"],
  denied: [3, "not permitted to this user"],
  noAgent: [4, "the agent does not answer"],
  noServer: [5, "the server does not answer, or refused"],
  untrusted: [6, "signatures, versions or expiry do not verify"],
  banned: [10, "a proven finding's ban is in force"],
} as const satisfies Record<string, readonly [number, string]>;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes][0];
