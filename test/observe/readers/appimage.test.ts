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
  expect(read(appImage(""))).toEqual({ offset, update: undefined });
});

test("a program without the mark, or without a file system behind it, is none", () => {
  expect(read(readFileSync("/bin/sleep"))).toBeUndefined();
  expect(read(appImage("", "none"))).toBeUndefined();
  expect(read(appImage("").subarray(0, -104))).toBeUndefined();
});

test("cut or spoilt AppImages are read without an exception, and never past their end", () => {
  expect(hostile(appImage("gh-releases-zsync|a|b|latest|c"), read)).toBeGreaterThan(4000);
});
