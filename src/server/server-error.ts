/** `USAGE`: asked for what cannot be · `DATABASE`: it does not open · `LISTEN`: the address cannot be had · `DATA`: a file or folder */
export type ServerCode = "USAGE" | "DATABASE" | "LISTEN" | "DATA";

/** Why the server does not start. */
export class ServerError extends Error {
  readonly code: ServerCode;
  constructor(code: ServerCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServerError";
    this.code = code;
  }
}
