import { Hono } from "hono";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, realpath, type FileHandle } from "node:fs/promises";
import { join, sep } from "node:path";
import { Readable } from "node:stream";
import type { Deps, Env } from "#server/deps.ts";
import { Refusal } from "#server/refusal.ts";

const notFound = (): Refusal => new Refusal(404, "not-found", "there is no such file in the repository");
/** Bytes up to which a file that changes is read at once, for its ETag. */
const small = 64 * 1024;

/**
 * GET /repo/…: the signed repository, as any file server would serve it: regular files in that folder and nothing else, as
 * they are, without compression (lengths and hashes are of the bytes). What is named after its version or its hash never
 * changes; timestamp.json has an ETag, and is asked for every minute by every device.
 */
export function repositoryRoutes({ repository }: Deps): Hono<Env> {
  return new Hono<Env>().get("/*", async (c) => {
    const name = safeName(new URL(c.req.url).pathname.replace(/^\/repo\//, ""));
    const { handle, size } = await openInside(repository, name);
    const type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
    if (immutable(name)) {
      c.header("cache-control", "public, max-age=31536000, immutable");
      c.header("content-type", type);
      c.header("content-length", String(size));
      if (c.req.method === "HEAD") {
        await handle.close();
        return c.body(null);
      }
      return c.body(toWeb(handle, size));
    }
    const bytes = await readSmall(handle, size);
    const etag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
    c.header("cache-control", "no-cache");
    c.header("etag", etag);
    if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
    return c.body(bytes, 200, { "content-type": type });
  });
}

/** Segments of letters, digits and `._-` that are no dot folders: what the publisher writes. @throws Refusal 404 */
function safeName(path: string): string {
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    throw notFound();
  }
  const segments = name.split("/");
  const safe = segments.every((s) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/.test(s));
  if (!safe || segments.length > 8) throw notFound();
  return name;
}

/** Consistent snapshots (TUF, 6.2): `7.targets.json`, `<hash>.policy.json`. */
function immutable(name: string): boolean {
  return /^(\d+|[0-9a-f]{64,128})\./.test(name.slice(name.lastIndexOf("/") + 1));
}

/** A regular file whose real path lies in the folder: no link leads out of it. @throws Refusal 404 */
async function openInside(folder: string, name: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle | undefined;
  try {
    const root = await realpath(folder);
    const path = join(root, name);
    if (!path.startsWith(root + sep) || (await realpath(path)) !== path) throw notFound();
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw notFound();
    return { handle, size: stat.size };
  } catch {
    await handle?.close();
    throw notFound();
  }
}

async function readSmall(handle: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (size > small) throw notFound();
    return new Uint8Array(await handle.readFile());
  } finally {
    await handle.close();
  }
}

function toWeb(handle: FileHandle, size: number): ReadableStream<Uint8Array> {
  if (size === 0) {
    void handle.close();
    return new ReadableStream({ start: (controller) => controller.close() });
  }
  const file = handle.createReadStream({ end: size - 1 }); // closes the handle at its end, and when it is cancelled
  return ReadableStream.from(Readable.from(file));
}

/** RFC 9110, 13.1.2: a list, `*`, weak or strong. */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}
