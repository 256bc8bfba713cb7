// Run as a program: `node mapped.ts FILE`. Changes a file through shared mappings and prints what its stamp showed of it.
import koffi from "koffi";
import { closeSync, fstatSync, openSync, readSync, statfsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { believable } from "#platform/linux/filesystems.ts";
import { bindNoWriter } from "#platform/linux/writers.ts";

const length = 4096;
const lib = koffi.load(null);
const mmap: (at: null, length: number, protection: number, flags: number, fd: number, offset: number) => unknown =
  lib.func("void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)");
const munmap: (at: unknown, length: number) => number = lib.func("int munmap(void *at, size_t length)");
const msync: (at: unknown, length: number, flags: number) => number = lib.func(
  "int msync(void *at, size_t length, int flags)",
);

const path = process.argv[2] ?? "";
writeFileSync(path, Buffer.alloc(length, "a"));
const reader = openSync(path, "r");
const noWriter = bindNoWriter();

/** Maps the file writable, with no descriptor left open. */
function map(): unknown {
  const fd = openSync(path, "r+");
  const mapped = mmap(null, length, 3, 1, fd, 0); // PROT_READ | PROT_WRITE, MAP_SHARED
  closeSync(fd);
  return mapped;
}

function look(): { readonly stamp: string; readonly content: string } {
  const { mtimeNs, ctimeNs, size } = fstatSync(reader, { bigint: true });
  const bytes = Buffer.alloc(length);
  readSync(reader, bytes, 0, length, 0);
  return { stamp: `${size} ${mtimeNs} ${ctimeNs}`, content: bytes.toString("latin1") };
}

/** Does something, more than a tick of the kernel's clock later, and says whether the file's bytes and its stamp changed. */
async function seen(act: () => void): Promise<{ content: boolean; stamp: boolean }> {
  const before = look();
  await sleep(30);
  act();
  const after = look();
  return { content: before.content !== after.content, stamp: before.stamp !== after.stamp };
}

const alone = noWriter(reader);
const first = map();
koffi.decode(first, "uint8_t");
const store = await seen(() => koffi.encode(first, "uint8_t", 98));
const mapped = noWriter(reader);
const again = await seen(() => koffi.encode(first, "uint8_t", 99));
munmap(first, length);
const unmapped = noWriter(reader);
const second = map();
koffi.decode(second, "uint8_t");
msync(second, length, 4); // MS_SYNC
const later = await seen(() => koffi.encode(second, "uint8_t", 100));
munmap(second, length);
closeSync(reader);
const { type } = statfsSync(path);
console.log(JSON.stringify({ believable: believable(type), alone, store, mapped, again, unmapped, later }));
