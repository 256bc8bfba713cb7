import { resolve } from "node:path";
import { writeAtomic } from "#lib/atomic-file.ts";
import { CommandError, textOption, type Input, type Io } from "#cli/command.ts";
import { exitCodes, type ExitCode } from "#cli/exit-codes.ts";
import { dryRunOption, given, jsonOption, neededPlace, placeOf } from "#cli/place.ts";
import { printableLine, printableWhole } from "#cli/printable.ts";
import { keyOptions, signingKey } from "#cli/signing-key.ts";
import { confirmed } from "#cli/terminal.ts";
import { fileOption } from "#cli/trust.ts";
import { standingWords, type Standing } from "#publish/authority.ts";
import { readRepository, type Current } from "#publish/current.ts";
import { examine, requireLife, requireNext, type Base, type Examined } from "#publish/examine.ts";
import { signProposal } from "#publish/proposal.ts";
import { proposalBytes, roleIn, type Proposal } from "#publish/proposal-file.ts";
import { review } from "#publish/review.ts";
import { limits } from "#trust/limits.ts";
import type { Root } from "#trust/metadata.ts";
import { TrustedSet } from "#trust/trusted-set.ts";

/** The options of every verb that makes or signs a proposal. */
export const signingOptions = [
  ...keyOptions,
  ["--out <file>", "where the proposal goes"],
  ["--yes", "do not ask"],
  dryRunOption,
  jsonOption,
] as const;

/** What is in force as far as one can see it from here: a repository, its root alone, or nothing. @throws TrustError */
export async function baseOf(input: Input, io: Io): Promise<Base> {
  const address = await placeOf(input, io);
  if (address !== undefined) {
    const current = await readRepository(address);
    return { root: current.set.root, current };
  }
  const bytes = await fileOption(input, io, "root", limits.root);
  return { root: bytes && new TrustedSet(bytes).root, current: undefined };
}

export interface RepositoryBase extends Base {
  readonly root: Root;
  readonly current: Current;
}

/** @throws CommandError where no repository was named; TrustError */
export async function repositoryBase(input: Input, io: Io): Promise<RepositoryBase> {
  const current = await readRepository(await neededPlace(input, io));
  return { root: current.set.root, current };
}

export interface Signing {
  readonly proposal: Proposal;
  readonly base: Base;
  /** Absolute. */
  readonly out: string;
  /** What has to be done before the proposal is written, and only then. */
  readonly prepare?: () => Promise<void>;
}

/**
 * Shows all that a proposal says against what is in force, asks, signs it with --key where that was given, and writes it.
 * @throws TrustError, PublishError, PolicyError; nothing was written then
 */
export async function showAndSign({ proposal, base, out, prepare }: Signing, input: Input, io: Io): Promise<ExitCode> {
  const { shown, hidden } = shownPart(proposal, base);
  const examined = examine(shown, base);
  requireNext(examined, base);
  requireLife(examined, io.clock.now());
  const say = (line: string): void => io.err(`${printableWhole(line)}\n`);
  for (const line of await review(examined, base, io.clock.now())) say(line);
  for (const role of Object.keys(hidden)) say(`${role} cannot be shown without --repo, and is not signed here`);
  if (given(input, "dryRun")) {
    for (const line of examined.standing.flatMap(standingWords)) say(line);
    say("nothing was signed and nothing written: --dry-run");
    return exitCodes.ok[0];
  }
  const file = textOption(input, "key");
  const done = async ({ proposal: { roles }, standing }: Examined): Promise<ExitCode> => {
    await prepare?.();
    const whole = Object.keys(hidden).length === 0;
    return written({ proposal: { ...proposal, roles: { ...roles, ...hidden } }, standing, whole }, out, input, io);
  };
  if (file === undefined) return done(examined);
  if (!given(input, "yes") && !(await confirmed("Sign it?", io))) {
    say("nothing was signed");
    return exitCodes.failed[0];
  }
  const key = await signingKey(resolve(io.cwd, file), input, io);
  return done(examine(await signProposal(examined, key), base));
}

/** Who has only a root can be shown what becomes of it, and of nothing else. */
function shownPart(
  proposal: Proposal,
  { root, current }: Base,
): { readonly shown: Proposal; readonly hidden: Proposal["roles"] } {
  const first = roleIn(proposal, "root");
  if (root === undefined || current !== undefined || first === undefined) return { shown: proposal, hidden: {} };
  const { root: _, ...hidden } = proposal.roles;
  if (Object.keys(hidden).length === 0) return { shown: proposal, hidden };
  return { shown: { ...proposal, roles: { root: first }, files: {} }, hidden };
}

interface Written extends Pick<Examined, "proposal" | "standing"> {
  /** Whether all of its roles stand in `standing`. */
  readonly whole: boolean;
}

async function written({ proposal, standing, whole }: Written, out: string, input: Input, io: Io): Promise<ExitCode> {
  await writeAtomic(out, proposalBytes(proposal), 0o644);
  const complete = whole && standing.every(({ needs }) => needs.every(({ met }) => met));
  if (given(input, "json")) {
    const version = standing[0]?.version;
    io.out(`${JSON.stringify({ proposal: out, version, roles: standing.map(roleJson), complete })}\n`);
    return exitCodes.ok[0];
  }
  io.out(`${out}\n`);
  for (const line of standing.flatMap(standingWords)) io.out(`  ${printableLine(line)}\n`);
  const first = standing.some(({ role, version }) => role === "root" && version === 1);
  const last = first ? `edict trust complete DIR ${out}` : `edict policy push ${out}`;
  io.out(complete ? `now: ${last}\n` : `now the next signer: edict trust sign ${out} --key …\n`);
  return exitCodes.ok[0];
}

function roleJson({ role, version, needs }: Standing): object {
  return {
    role,
    version,
    needs: needs.map(({ authority, signed }) => ({ signed, threshold: authority.role.threshold })),
  };
}

/** @throws CommandError where --out was not given and there is no usual place */
export function outOf(input: Input, io: Io, usual: string): string {
  const out = textOption(input, "out") ?? usual;
  if (out === "") throw new CommandError(exitCodes.usage[0], "--out is empty");
  return resolve(io.cwd, out);
}
