import { copyFileSync, linkSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Disguise } from "./disguise.ts";
import { append } from "./place.ts";
import { spare, type Tool } from "./tool.ts";

/** A harmless name. */
export const notes = "notes";

export function copy(tool: Tool, folder: string): string {
  const to = join(folder, notes);
  copyFileSync(tool.entry, to);
  return to;
}

export function copyTree(tool: Tool, to: string): string {
  execFileSync("/bin/cp", ["-a", tool.tree, to]);
  return to;
}

/** What a file is on its way here, packed or encrypted: no file that anybody could recognise. Undone by `unmask`, and by memory.c. */
export function mask(file: string, to: string): string {
  writeFileSync(
    to,
    readFileSync(file).map((byte) => byte ^ 0x80),
  );
  unlinkSync(file);
  return to;
}

/** A filter in sh (tr(1)). */
export const unmask = String.raw`tr '\000-\177\200-\377' '\200-\377\000-\177'`;

/** Changes one letter of a word wherever it stands in a file. */
function spoil(file: string, word: string): void {
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) bytes[at] = 0x51;
  writeFileSync(file, bytes, { mode: 0o755 });
}

/** Disguises that are a matter of files: names, links, copies, bytes. */
export const fileDisguises: readonly Disguise[] = [
  { id: "own name", title: "under its own name", make: (tool) => ({ argv: [tool.bin] }) },
  {
    id: "rename",
    title: "renamed (moved out of its package)",
    make: (tool, folder) => {
      const installed = copyTree(tool, join(folder, "installed"));
      const to = join(folder, notes);
      renameSync(join(installed, tool.entry.slice(tool.tree.length)), to);
      return { argv: [to] };
    },
  },
  { id: "copy", title: "copied under another name", make: (tool, folder) => ({ argv: [copy(tool, folder)] }) },
  {
    id: "hard link",
    title: "a hard link under another name",
    make: (tool, folder) => {
      linkSync(tool.entry, join(folder, notes));
      return { argv: [join(folder, notes)] };
    },
  },
  {
    id: "symlink",
    title: "a symbolic link under another name",
    make: (tool, folder) => {
      symlinkSync(tool.entry, join(folder, notes));
      return { argv: [join(folder, notes)] };
    },
  },
  {
    id: "appended bytes",
    title: "a copy with 16 bytes appended",
    make: (tool, folder) => {
      const to = copy(tool, folder);
      append(
        to,
        tool.interpreter === undefined ? "0123456789abcdef" : `\n${tool.kind === "python" ? "#" : "//"} 123456789ab`,
      );
      return { argv: [to] };
    },
  },
  {
    id: "one byte changed",
    title: "a copy with one byte changed",
    make: (tool, folder) => {
      const to = copy(tool, folder);
      spoil(to, spare);
      return { argv: [to] };
    },
  },
  {
    id: "marker changed",
    title: "a copy with one byte of each marker changed",
    make: (tool, folder) => {
      if (tool.kind === "python") return { not: "its marker is the very line that imports it" };
      const to = copy(tool, folder);
      for (const marker of tool.markers) spoil(to, marker);
      return { argv: [to] };
    },
  },
  {
    id: "whole tree copied",
    title: "its whole tree copied",
    make: (tool, folder) => ({ argv: tool.runTree(copyTree(tool, join(folder, notes))) }),
  },
  {
    id: "tree copied, package.json edited",
    title: "its whole tree copied, package.json (METADATA) edited",
    make: (tool, folder) => {
      const tree = copyTree(tool, join(folder, notes));
      tool.editManifest(tree);
      return { argv: tool.runTree(tree) };
    },
  },
  {
    id: "UPX",
    title: "packed by UPX",
    make: (tool, folder) => {
      if (tool.interpreter !== undefined) return { not: "UPX packs programs, not scripts" };
      const to = copy(tool, folder);
      try {
        execFileSync("upx", ["-q", to], { stdio: "pipe" });
      } catch (error) {
        const [line = ""] = error instanceof Error ? error.message.split("\n").slice(-1) : [];
        return { not: `upx: ${line.includes("ENOENT") ? "it is not in this Debian release" : line}` };
      }
      return { argv: [to] };
    },
  },
];
