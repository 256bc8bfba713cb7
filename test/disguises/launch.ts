import type { Place } from "./place.ts";

/** How a disguised tool is started. */
export interface Launch {
  readonly argv: readonly [string, ...string[]];
  /** What it is told that it is called; its path where left out. */
  readonly argv0?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly as?: "root";
  readonly cwd?: string;
  /** While nobody watches: before the agent was ever there, or while it is being restarted. */
  readonly when?: "before" | "while away";
}

/** A launch, or why this disguise is none for this tool. */
export type Prepared = Launch | { readonly not: string };

/** A shell that runs `script` with these arguments as $1, $2 …, as root of a user and a mount namespace of the person's own (unshare(1)). */
export function contained(script: string, ...args: readonly string[]): Launch {
  return {
    argv: ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-euc", script, "sh", ...args],
  };
}

/** The environment of everything that is started, as a login shell of the person's has it. */
export function environment({ home, path }: Place, launch: Launch, life: number): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    USER: "ann",
    LANG: "C.UTF-8",
    PARROT_LIFE: String(life),
    npm_config_cache: `${home}/.npm`,
    npm_config_update_notifier: "false",
    ...launch.env,
  };
}
