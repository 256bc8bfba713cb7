import type { Command } from "#cli/command.ts";

export interface Verb {
  /** What a person types after `edict`. */
  readonly name: string;
  readonly summary: string;
  /** Started by our own programs, and not shown in the help. */
  readonly hidden?: boolean;
  /** One file a verb, loaded only when it is called: the agent's memory is not spent on the demo's libraries. */
  load(): Promise<{ readonly command: Command }>;
}

/** Every verb of `edict`, in the order of `edict help`. */
export const verbs: readonly Verb[] = [
  {
    name: "demo",
    summary: "see the whole of it on this machine, harmlessly",
    load: () => import("#cli/commands/demo.ts"),
  },
  {
    name: "audit",
    summary: "what of the catalog is installed here (or in these folders), and how that is known",
    load: () => import("#cli/commands/audit.ts"),
  },
  {
    name: "status",
    summary: "what is in force here, and what is recorded about you",
    load: () => import("#cli/commands/status.ts"),
  },
  {
    name: "why",
    summary: "why a process was stopped; what is seen of a file, process or package",
    load: () => import("#cli/commands/why.ts"),
  },
  { name: "request", summary: "ask for an exception from a ban", load: () => import("#cli/commands/request.ts") },
  { name: "continue", summary: "go on after a warning", load: () => import("#cli/commands/continue.ts") },
  {
    name: "doctor",
    summary: "what Edict can do on this machine, and why not",
    load: () => import("#cli/commands/doctor.ts"),
  },
  { name: "policy new", summary: "a policy to start from", load: () => import("#cli/commands/policy-new.ts") },
  { name: "policy show", summary: "what is banned on this device", load: () => import("#cli/commands/policy-show.ts") },
  {
    name: "policy lint",
    summary: "errors of policies with path and line, and what will hurt",
    load: () => import("#cli/commands/policy-lint.ts"),
  },
  {
    name: "policy test",
    summary: "evidence and the verdicts that are expected",
    load: () => import("#cli/commands/policy-test.ts"),
  },
  {
    name: "policy diff",
    summary: "what one policy changes against another",
    load: () => import("#cli/commands/policy-diff.ts"),
  },
  {
    name: "policy decide",
    summary: "verdicts for evidence, line by line",
    load: () => import("#cli/commands/policy-decide.ts"),
  },
  {
    name: "policy schema",
    summary: "JSON Schema of what people write",
    load: () => import("#cli/commands/policy-schema.ts"),
  },
  {
    name: "policy sign",
    summary: "sign a policy or a proposal, and see what would change",
    load: () => import("#cli/commands/policy-sign.ts"),
  },
  {
    name: "policy push",
    summary: "publish what enough have signed",
    load: () => import("#cli/commands/policy-push.ts"),
  },
  {
    name: "catalog new",
    summary: "a tool's file to go on from, drafted from what lies here",
    load: () => import("#cli/commands/catalog-new.ts"),
  },
  { name: "keys create", summary: "make a key that signs", load: () => import("#cli/commands/keys-create.ts") },
  { name: "keys show", summary: "a key's id, and whether it signs", load: () => import("#cli/commands/keys-show.ts") },
  {
    name: "trust init",
    summary: "make a repository, or begin the ceremony for one",
    load: () => import("#cli/commands/trust-init.ts"),
  },
  {
    name: "trust sign",
    summary: "see all that a proposal says, and add a signature to it",
    load: () => import("#cli/commands/trust-sign.ts"),
  },
  {
    name: "trust complete",
    summary: "end the ceremony: a repository from what was signed",
    load: () => import("#cli/commands/trust-complete.ts"),
  },
  {
    name: "trust push",
    summary: "publish what enough have signed",
    load: () => import("#cli/commands/policy-push.ts"),
  },
  {
    name: "trust delegate",
    summary: "let a department sign its own bans, or the server grant exceptions",
    load: () => import("#cli/commands/trust-delegate.ts"),
  },
  {
    name: "trust rotate",
    summary: "other keys for a role: after a loss or a theft, or when somebody comes or leaves",
    load: () => import("#cli/commands/trust-rotate.ts"),
  },
  {
    name: "trust renew",
    summary: "the same for another lifetime, before it expires",
    load: () => import("#cli/commands/trust-renew.ts"),
  },
  {
    name: "trust grant",
    summary: "an exception from a ban for one device",
    load: () => import("#cli/commands/trust-grant.ts"),
  },
  { name: "trust revoke", summary: "take exceptions back", load: () => import("#cli/commands/trust-revoke.ts") },
  {
    name: "trust status",
    summary: "every role of a repository, and how long it is good for",
    load: () => import("#cli/commands/trust-status.ts"),
  },
  { name: "enroll", summary: "make this device known to its server", load: () => import("#cli/commands/enroll.ts") },
  { name: "agent", summary: "the daemon that enforces the policy", load: () => import("#cli/commands/agent.ts") },
  {
    name: "gate",
    summary: "answers the kernel before programs start; the agent starts it",
    hidden: true,
    load: () => import("#cli/commands/gate.ts"),
  },
  {
    name: "session",
    summary: "draws toasts for one person; the agent starts it",
    hidden: true,
    load: () => import("#cli/commands/session.ts"),
  },
  {
    name: "quarantine list",
    summary: "what was moved away here, and from where",
    load: () => import("#cli/commands/quarantine-list.ts"),
  },
  {
    name: "quarantine restore",
    summary: "put something back as its owner's",
    load: () => import("#cli/commands/quarantine-restore.ts"),
  },
  { name: "help exit-codes", summary: "every exit code", load: () => import("#cli/commands/help-exit-codes.ts") },
];
