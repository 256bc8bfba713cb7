import { Buffer } from "node:buffer";

declare const raw: unique symbol;

/**
 * A path as the kernel has it: bytes, one a UTF-16 unit (Latin-1). Separators and ASCII names compare as in any string,
 * and nothing is lost where a path is not UTF-8 (path_resolution(7) forbids only "/" and NUL in a name).
 */
export type RawPath = string & { readonly [raw]: true };

/** The kernel's own bound on a path, PATH_MAX of limits.h, without the NUL. */
export const longestPath = 4095;

function isRaw(text: string): text is RawPath {
  return text.length > 0 && !text.includes("\0");
}

/** From bytes; undefined where they cannot be a path. */
export function rawFromBytes(bytes: Uint8Array): RawPath | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  return isRaw(text) ? text : undefined;
}

/** From ordinary text. */
export function rawFromText(text: string): RawPath | undefined {
  return rawFromBytes(Buffer.from(text, "utf8"));
}

/** A seen path: its bytes where it has them, else its text. */
export function rawFromSeen(seen: { readonly path: string; readonly pathBytes?: string | undefined }) {
  return seen.pathBytes === undefined ? rawFromText(seen.path) : rawFromBytes(Buffer.from(seen.pathBytes, "base64"));
}

/** What Node's file functions take. */
export function toBytes(path: RawPath): Buffer {
  return Buffer.from(path, "latin1");
}

/** Of ASCII only, bytes and text are the same. */
const beyondAscii = /[\u0080-\u00ff]/;

/** As text for people and rules; bytes that are not UTF-8 become U+FFFD, and then the bytes are given as well. */
export function toSeen(path: RawPath): { readonly path: string; readonly pathBytes?: string } {
  if (!beyondAscii.test(path)) return { path };
  const bytes = toBytes(path);
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? { path: text } : { path: text, pathBytes: bytes.toString("base64") };
}

/** The folder it lies in; "/" is its own. */
export function parentOf(path: RawPath): RawPath {
  const at = path.lastIndexOf("/");
  const parent = at <= 0 ? "/" : path.slice(0, at);
  return isRaw(parent) ? parent : path;
}

/** Its last part. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `name` (ASCII or raw) below `folder`. */
export function below(folder: RawPath, name: string): RawPath {
  const joined = folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
  return isRaw(joined) ? joined : folder;
}

/** A path that a program was given, made absolute against the folder it ran in; undefined where it cannot be one. */
export function against(folder: RawPath | undefined, given: Uint8Array): RawPath | undefined {
  const path = rawFromBytes(given);
  if (path === undefined || path.length > longestPath) return undefined;
  if (path.startsWith("/")) return path;
  return folder === undefined ? undefined : below(folder, path);
}
