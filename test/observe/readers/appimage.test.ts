import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readAppImage } from "#observe/readers/appimage.ts";
import { sectioned } from "../sectioned.ts";
import { appImage } from "./app-image.ts";
import { hostile, seam } from "./seam.ts";

const read = (bytes: Uint8Array) => seam(bytes, readAppImage(bytes.length));

test("an AppImage says where its files begin, and which project it comes from", () => {
  const text = "gh-releases-zsync|qoder|desktop|latest|Qoder-*x86_64.AppImage.zsync";
  const offset = sectioned(4096, [{ name: ".upd_info", offset: 512, size: 1024 }]).bytes.length;
  expect(read(appImage(text))).toEqual({
    offset,
    update: { transport: "gh-releases-zsync", project: "qoder/desktop", text },
  });
  expect(read(appImage("zsync|https://a.example/b.zsync"))?.update).toMatchObject({
    transport: "zsync",
    project: undefined,
  });
  expect(read(appImage("gh-releases-direct|qoder|desktop|latest|x"))?.update?.project).toBe("qoder/desktop");
  expect(read(appImage("gh-releases-other|qoder|desktop|latest|x"))?.update?.project).toBeUndefined();
  expect(read(appImage(""))).toEqual({ offset, update: undefined });
  expect(read(appImage("", "DWARFS"))).toEqual({ offset, update: undefined });
});

test("its files begin behind its last section, where that lies behind the table of sections", () => {
  const bytes = appImage("gh-releases-zsync|a|b|latest|c");
  const end = bytes.length - 104;
  const table = Number(bytes.readBigUInt64LE(0x28));
  const last = table + bytes.readUInt16LE(0x3a) * (bytes.readUInt16LE(0x3c) - 1);
  bytes.writeBigUInt64LE(BigInt(end), last + 24);
  bytes.writeBigUInt64LE(100n, last + 32);
  expect(read(bytes)).toBeUndefined();
  expect(read(Buffer.concat([bytes.subarray(0, end), Buffer.alloc(100), bytes.subarray(end)]))?.offset).toBe(end + 100);
});

test("a program without the mark, or without a file system behind it, is none", () => {
  expect(read(readFileSync("/bin/sleep"))).toBeUndefined();
  expect(read(appImage("", "none"))).toBeUndefined();
  expect(read(appImage("").subarray(0, -104))).toBeUndefined();
});

test("cut or spoilt AppImages are read without an exception, and never past their end", () => {
  expect(hostile(appImage("gh-releases-zsync|a|b|latest|c"), read)).toBeGreaterThan(4000);
});
