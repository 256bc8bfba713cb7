/**
 * `KEY` no key file, or the wrong passphrase · `EXISTS` something stands where a new thing was to be made · `PROPOSAL` it
 * cannot be published as it is. What does not verify is a TrustError, as for any client.
 */
export type PublishCode = "KEY" | "EXISTS" | "PROPOSAL";

export class PublishError extends Error {
  readonly code: PublishCode;
  constructor(code: PublishCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PublishError";
    this.code = code;
  }
}
