/**
 * `DISK`: what was put is held in memory, and not yet on the disk · `FULL`: not even there; the event is lost, and counted ·
 * `FORMAT`: not what it must be · `REFUSED`: the server will not do it · `UNKNOWN_DEVICE`: it does not know our key ·
 * `CLOCK`: its time is another · `NETWORK`, `TIMEOUT`, `LIMIT`: no usable answer · `TOO_LARGE`: what we sent is too long for it · `ABORTED`: we were told to stop ·
 * `IDENTITY`: the device's key, or a folder that must be ours alone, is not.
 */
export type ReportCode =
  | "DISK"
  | "FULL"
  | "FORMAT"
  | "REFUSED"
  | "UNKNOWN_DEVICE"
  | "CLOCK"
  | "NETWORK"
  | "TIMEOUT"
  | "LIMIT"
  | "TOO_LARGE"
  | "ABORTED"
  | "IDENTITY";

export class ReportError extends Error {
  readonly code: ReportCode;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(
    code: ReportCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = "ReportError";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
