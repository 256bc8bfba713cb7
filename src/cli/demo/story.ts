import { approved, banned } from "#cli/demo/stand-ins.ts";

/** What the demo saw, for a person or as JSON. */
export interface Summary {
  readonly stopped: boolean;
  readonly replacementRan: boolean;
  readonly told: { readonly terminal: boolean; readonly toast: boolean };
  /** The server has the report exactly once. */
  readonly reported: boolean;
  readonly why: readonly string[];
  readonly audit: unknown;
  readonly seconds: number;
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

const mark = (good: boolean): string => (good ? "✓" : "✗");

export function story(summary: Summary, screen: string, toast: string, auditText: string): string {
  const { stopped, replacementRan, told, reported, why, seconds } = summary;
  return `
${mark(stopped)} ${banned.command} was stopped. This is what the person saw in their terminal:

${indent(screen)}

${mark(told.terminal)} told in the terminal · ${told.toast ? "✓ told by a toast" : `no toast: ${toast.replace("not: ", "")}`}
${mark(replacementRan)} ${approved.command}, the approved replacement, ran.
${mark(reported)} The server has the report, exactly once.

Why, as \`edict why parrot\` answers:

${indent(why.join("\n"))}

What is on this machine, as \`edict audit\` found it (only observed: nothing of it is touched):

${indent(auditText)}

Done in ${seconds.toFixed(1)} s.
`;
}

export function whereNext(places: {
  readonly console: string;
  readonly bin: string;
  readonly run: string;
  readonly policy: string;
}): string {
  return `
It stays up until Ctrl-C. In another terminal, from this folder:

  ${places.bin}/parrot
      run the banned stand-in yourself, and be stopped
  EDICT_RUN=${places.run} npx edict status
      what is in force, and everything that is recorded about you
  EDICT_RUN=${places.run} npx edict why parrot
  ${places.policy}
      the policy that was signed; policies/examples has real ones
  ${places.console}
      the server's console

Then: README.md, ARCHITECTURE.md, and src/agent/agent.ts, which is the whole loop.
`;
}
