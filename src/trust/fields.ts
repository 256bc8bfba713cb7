import { TrustError } from "#trust/error.ts";

// One field of hostile JSON at a time: the right shape, or TrustError FORMAT with its name. Trust takes no library.

export type JsonObject = Readonly<Record<string, unknown>>;

/** UTF-8 without a byte order mark, JSON (RFC 8259). */
export function json(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    return value;
  } catch (error) {
    throw new TrustError("FORMAT", "this is not JSON", { cause: error });
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function object(value: unknown, what: string): JsonObject {
  return isObject(value) ? value : bad(what, "an object");
}

/** A member of the object itself, never of its prototype. */
export function own(from: JsonObject, name: string): unknown {
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

export function map<T>(value: unknown, what: string, each: (item: unknown, name: string) => T): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const [name, item] of Object.entries(object(value, what))) found.set(name, each(item, name));
  return found;
}

export function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : bad(what, "a list");
}

export function texts(value: unknown, what: string): readonly string[] {
  return list(value, what).map((item) => text(item, what));
}

export function text(value: unknown, what: string): string {
  return typeof value === "string" ? value : bad(what, "a text");
}

export function boolean(value: unknown, what: string): boolean {
  return typeof value === "boolean" ? value : bad(what, "true or false");
}

export function integer(value: unknown, least: number, what: string): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least
    ? value
    : bad(what, `an integer of at least ${least}`);
}

function bad(what: string, wanted: string): never {
  throw new TrustError("FORMAT", `${what} is not ${wanted}`);
}
