/**
 * `DISK`: what was put is held in memory, and not yet on the disk · `FULL`: not even there; the event is lost, and counted ·
 * `FORMAT`: not what it must be · `REFUSED`: the server will not take it · `NETWORK`, `TIMEOUT`, `LIMIT`: no usable answer ·
 * `CLOCK`: the server's time is another · `IDENTITY`: the device's key cannot be read or made.
 */
export type ReportCode =
  | "DISK"
  | "FULL"
  | "FORMAT"
  | "REFUSED"
  | "NETWORK"
  | "TIMEOUT"
  | "LIMIT"
  | "CLOCK"
  | "IDENTITY"
  | "UNKNOWN_DEVICE";

export class ReportError extends Error {
  readonly code: ReportCode;
  constructor(code: ReportCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ReportError";
    this.code = code;
  }
}
