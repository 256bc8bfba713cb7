import { formatInstant, instantOf, parseInstant, type Instant } from "#lib/pure/instant.ts";
import { TrustError } from "#trust/error.ts";
import * as field from "#trust/fields.ts";
import type { PublicKey, Role } from "#trust/metadata.ts";
import { keysOf } from "#trust/trusted-set.ts";
import type { MetadataStore } from "#trust/store.ts";

/** What a client remembers that nobody signed: it saves bytes and notices a clock that was set back. */
export interface State {
  /** ETag of the stored timestamp, and the sha256 of the bytes it belongs to. */
  readonly etag: { readonly value: string; readonly of: string } | undefined;
  readonly floor: Floor | undefined;
  /** When the whole workflow last succeeded. */
  readonly refreshed: Instant | undefined;
}

/** Time is not before this: the newest `x_issued` that was believed, and the public keys that had signed it. */
export interface Floor {
  readonly issued: Instant;
  readonly keys: readonly string[];
}

export const noState: State = { etag: undefined, floor: undefined, refreshed: undefined };

const file = "state";

/** A state that is missing or damaged is an empty one. */
export async function readState(store: MetadataStore): Promise<State> {
  const bytes = await store.read(file, 64 * 1024);
  if (bytes === undefined) return noState;
  try {
    const state = field.object(field.json(bytes), file);
    const etag = state["etag"] === undefined ? undefined : field.object(state["etag"], "etag");
    const floor = state["floor"] === undefined ? undefined : field.object(state["floor"], "floor");
    const refreshed =
      state["refreshed"] === undefined ? undefined : parseInstant(field.text(state["refreshed"], "refreshed"));
    return {
      etag: etag && { value: headerValue(etag["value"]), of: field.text(etag["of"], "of") },
      floor: floor && {
        issued: parseInstant(field.text(floor["issued"], "issued")),
        keys: field.texts(floor["keys"], "keys"),
      },
      refreshed,
    };
  } catch {
    return noState;
  }
}

/** What may stand in a header (RFC 9110 section 5.5): a damaged one must not make every request fail. */
function headerValue(value: unknown): string {
  const text = field.text(value, "value");
  if (!/^[\t\x20-\x7e\x80-\xff]{1,1024}$/.test(text)) throw new TrustError("FORMAT", "the ETag is none");
  return text;
}

const hourMs = 3_600_000;

/** Written when something changed, and else once an hour: an idle device does not wear its disk. */
export async function writeState(store: MetadataStore, old: State, next: State): Promise<void> {
  const same = JSON.stringify({ ...old, refreshed: 0 }) === JSON.stringify({ ...next, refreshed: 0 });
  if (same && Math.abs((next.refreshed ?? 0) - (old.refreshed ?? 0)) < hourMs) return;
  const { etag, floor, refreshed } = next;
  const text = JSON.stringify({
    etag,
    floor: floor && { issued: formatInstant(floor.issued), keys: floor.keys },
    refreshed: refreshed === undefined ? undefined : formatInstant(refreshed),
  });
  await store.write(file, Buffer.from(text));
}

/** Takes note that all of what the server has was read and believed. */
export async function writeRefreshed(store: MetadataStore, refreshed: Instant): Promise<void> {
  const old = await readState(store);
  await writeState(store, old, { ...old, refreshed });
}

const dayMs = 24 * hourMs;

/**
 * The later floor of two. A signed time more than 24 hours ahead of the system's clock is not believed: whoever stole the
 * timestamp key can move time by a day and no further.
 */
export function raise(
  floor: Floor | undefined,
  issued: Instant | undefined,
  signers: Iterable<string>,
  now: Instant,
): Floor | undefined {
  if (issued === undefined || issued > now + dayMs) return floor;
  return floor !== undefined && floor.issued >= issued ? floor : { issued, keys: [...signers] };
}

/** A floor dies with the key that signed it. */
export function standing(
  floor: Floor | undefined,
  role: Role,
  keys: ReadonlyMap<string, PublicKey>,
): Floor | undefined {
  if (floor === undefined) return undefined;
  const now = keysOf(role, keys);
  return floor.keys.length > 0 && floor.keys.every((key) => now.has(key)) ? floor : undefined;
}

export function notBefore(now: Instant, floor: Floor | undefined): Instant {
  return instantOf(Math.max(now, floor?.issued ?? now));
}
