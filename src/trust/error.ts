import { clean } from "#lib/pure/text.ts";

/**
 * `EXPIRED` too old to be believed · `ROLLBACK` older than what was seen · `SIGNATURE` too few distinct keys signed it ·
 * `MISMATCH` not the bytes that were promised · `FORMAT` not what the specification says · `LIMIT` larger than allowed ·
 * `TIMEOUT`, `HTTP`, `NETWORK` it could not be fetched · `CACHE` the store cannot be read or written · `VERSION` another
 * version than was asked for.
 */
export type TrustCode =
  | "EXPIRED"
  | "ROLLBACK"
  | "SIGNATURE"
  | "MISMATCH"
  | "FORMAT"
  | "LIMIT"
  | "TIMEOUT"
  | "HTTP"
  | "NETWORK"
  | "CACHE"
  | "VERSION";

export interface TrustErrorOptions extends ErrorOptions {
  /** The role or file it is about. */
  readonly file?: string;
  readonly seen?: number | string;
  readonly wanted?: number | string;
}

/** Columns. What is refused was often written by nobody we know, and ends in a log or a terminal. */
const widest = 500;

/** Something was not believed, or could not be had. The message is for a person; the code is for a program. */
export class TrustError extends Error {
  readonly code: TrustCode;
  readonly file: string | undefined;
  /** Version, length, hash or count that was found, and what it should have been. */
  readonly seen: number | string | undefined;
  readonly wanted: number | string | undefined;

  constructor(code: TrustCode, message: string, options: TrustErrorOptions = {}) {
    super(clean(message, widest), options);
    this.name = "TrustError";
    this.code = code;
    this.file = options.file === undefined ? undefined : clean(options.file, widest);
    this.seen = options.seen;
    this.wanted = options.wanted;
  }
}

/** Runs an act on a role's metadata: what it throws says which role it is about. */
export function about<T>(role: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TrustError) || error.file !== undefined) throw error;
    throw new TrustError(error.code, `${role}.json: ${error.message}`, { file: role, cause: error.cause });
  }
}
