/** JSON in UTF-8, with or without a byte order mark; undefined where it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return parsed;
  } catch {
    return undefined;
  }
}
