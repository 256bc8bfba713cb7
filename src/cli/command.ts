import type { ExitCode } from "#cli/exit-codes.ts";
import type { Clock } from "#lib/clock.ts";

/** Where a command reads and writes; tests give it their own. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person looks at standard output. */
  readonly isTerminal: boolean;
  /** Columns of the terminal that standard output is; undefined where it is none, and lines may have any length. */
  readonly columns?: number | undefined;
  /** Standard error, where a live display may be drawn on it: where a person looks at both outputs. */
  readonly display?: NodeJS.WriteStream | undefined;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Input {
  /** Positional arguments; a variadic one is flattened at the end. */
  readonly args: readonly string[];
  /** Options by their long name in camelCase: `--secret-file` is secretFile. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One verb, declared as data: `cli/main.ts` builds the command line from these. */
export interface Command {
  /** In commander's syntax, such as "<file...>" or "[cases...]". */
  readonly arguments?: readonly string[];
  /** In commander's syntax: ["--json", "print JSON"]. */
  readonly options?: readonly (readonly [flags: string, description: string])[];
  run(input: Input, io: Io): Promise<ExitCode>;
}

/** An option's text, or undefined when it was not given. */
export function textOption(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" ? value : undefined;
}

/** A variadic option's texts; none where it was not given. */
export function listOption(input: Input, name: string): readonly string[] {
  const value = input.options[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** Ends a command with a sentence and a code of the table, and no stack. */
export class CommandError extends Error {
  readonly code: ExitCode;
  constructor(code: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CommandError";
    this.code = code;
  }
}
