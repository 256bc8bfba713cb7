/** What every part says about itself. `lib/log-file.ts` makes the real one. */
export interface Log {
  debug(text: string, fields?: Fields): void;
  info(text: string, fields?: Fields): void;
  warn(text: string, fields?: Fields): void;
  error(text: string, fields?: Fields): void;
}
type Fields = Readonly<Record<string, unknown>>;

/** Says nothing: for tests and one-shot commands. */
export const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
