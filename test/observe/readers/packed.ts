import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Reads } from "#observe/reads.ts";

interface Locked {
  readonly version: string;
  readonly integrity: string;
}
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { readonly packages: Record<string, Locked> };

const unpacked = new Map<string, string | undefined>();
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * The path of a file of an npm package of package-lock.json, whatever system that is for: unpacked once for all tests of a
 * file. Undefined, and a reason printed, where npm cannot fetch it.
 */
export function packed(name: string, file: string): string | undefined {
  if (!unpacked.has(name)) unpacked.set(name, unpack(name, file));
  return unpacked.get(name);
}

function unpack(name: string, file: string): string | undefined {
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`${name} is not in package-lock.json`);
  const wanted = `${name}@${locked.version}`;
  const folder = mkdtempSync(join(tmpdir(), "edict-packed-"));
  folders.push(folder);
  const tarball = pack(folder, wanted);
  if (tarball === undefined) return undefined;
  const sha512 = createHash("sha512").update(readFileSync(tarball)).digest("base64");
  if (`sha512-${sha512}` !== locked.integrity) throw new Error(`${wanted} is not the one of package-lock.json`);
  execFileSync("tar", ["-xzf", tarball, "-C", folder, `package/${file}`]);
  rmSync(tarball);
  return join(folder, "package", file);
}

function pack(folder: string, wanted: string): string | undefined {
  try {
    const args = ["pack", wanted, "--prefer-offline", "--silent", "--pack-destination", folder];
    const name = execFileSync("npm", args, { cwd: folder, encoding: "utf8", timeout: 240_000 }).trim();
    return join(folder, name.split("\n").at(-1) ?? "");
  } catch (error) {
    console.warn(`skipped: npm cannot fetch ${wanted}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Does a parser's work on a file, reading what it asks for and nothing else. `read` counts the bytes. */
export function onFile<T>(
  path: string,
  work: (size: number) => Reads<T>,
): { readonly value: T; readonly read: number } {
  const file = openSync(path, "r");
  try {
    const ongoing = work(fstatSync(file).size);
    let read = 0;
    let next = ongoing.next();
    while (next.done !== true) {
      const bytes = Buffer.alloc(next.value.length);
      read += readSync(file, bytes, 0, bytes.length, next.value.offset);
      next = ongoing.next(bytes);
    }
    return { value: next.value, read };
  } finally {
    closeSync(file);
  }
}
