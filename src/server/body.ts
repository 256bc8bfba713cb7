import { Refusal } from "#server/refusal.ts";

/** The whole body, counted while it comes in. @throws Refusal 413 past `maxBytes`, 400 when it breaks off */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): Refusal => new Refusal(413, "too-large", `at most ${maxBytes} bytes are taken here`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    // Not cancelled when it is too long: what is left is drained for a moment, so that the answer gets through.
    for await (const part of request.body?.values({ preventCancel: true }) ?? []) {
      length += part.byteLength;
      if (length > maxBytes) throw tooLarge();
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, "cut-off", "the body did not arrive whole");
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** JSON in UTF-8 (RFC 8259, 8.1). @throws Refusal 400 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal(400, "not-json", "the body is not JSON in UTF-8");
  }
}

/** Whether a JSON value nests no deeper than `most`; walks with its own stack, so that nothing can overflow ours. */
export function withinDepth(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return false;
    level = level.flatMap((v) => (typeof v === "object" && v !== null ? Object.values(v) : []));
  }
  return true;
}
