import { lstat, readlink, stat } from "node:fs/promises";
import { below, rawFromBytes, rawFromText, toBytes, type RawPath } from "#observe/raw-path.ts";
import { openHeld, type Opened, type Unread } from "#observe/read-file.ts";
import type { ProcessDetail } from "#platform/platform.ts";

type Ways = Pick<ProcessDetail, "ways" | "sameMounts">;

/** Links that are followed in one path, as the kernel has it (path_resolution(7)). */
const mostLinks = 40;

/** A path that a process names, as we reach it. */
export function reached({ ways, sameMounts }: Ways, path: RawPath): RawPath {
  const root = rawFromText(ways.root);
  return sameMounts || root === undefined ? path : below(root, path.slice(1));
}

/**
 * Where a path that `reached` gave leads by the process's own links: a link to /x leads to its /x, not to ours. Undefined where it
 * leads nowhere, or not to where we may look. What lies there can be exchanged meanwhile: only its bytes say what it is.
 */
export async function resolved({ ways }: Pick<Ways, "ways">, path: RawPath): Promise<RawPath | undefined> {
  const way = [ways.root, ways.cwd].find((folder) => path.startsWith(`${folder}/`));
  if (way === undefined) return undefined;
  let at = rawFromText(way);
  const rest = path.slice(way.length + 1).split("/");
  for (let links = 0; at !== undefined && rest.length > 0;) {
    const name = rest.shift() ?? "";
    if (name === "" || name === ".") continue;
    const next: RawPath = below(at, name);
    const target = await linkAt(next);
    if (target === "none") return undefined;
    if (target === "no link") {
      at = next;
      continue;
    }
    links += 1;
    if (links > mostLinks) return undefined;
    if (target.startsWith("/")) at = rawFromText(ways.root);
    rest.unshift(...target.split("/"));
  }
  return at;
}

async function linkAt(path: RawPath): Promise<RawPath | "no link" | "none"> {
  try {
    const bytes = toBytes(path);
    if (!(await lstat(bytes)).isSymbolicLink()) return "no link";
    return rawFromBytes(await readlink(bytes, { encoding: "buffer" })) ?? "none";
  } catch {
    return "none";
  }
}

/** One open file of a process, opened anew, and the path that it was opened by, which need not lead to it any more. */
export async function heldFile(
  { ways }: Pick<Ways, "ways">,
  descriptor: number,
): Promise<{ readonly opened: Opened; readonly path: RawPath } | Unread> {
  const link = `${ways.descriptors}/${descriptor}`;
  try {
    // Opening a terminal or a FIFO through it would act.
    if (!(await stat(link)).isFile()) return { unread: "it comes through a pipe or a terminal" };
    const path = rawFromBytes(await readlink(link, { encoding: "buffer" }));
    if (path === undefined) return { unread: "it has no name" };
    const opened = await openHeld(link);
    return "unread" in opened ? opened : { opened, path };
  } catch {
    return { unread: "it is open no more" };
  }
}

/** What a path that we reach something by is to its process. */
export function ownPath({ ways }: Pick<Ways, "ways">, path: RawPath): RawPath {
  const own = path.startsWith(`${ways.root}/`) ? rawFromText("/") : undefined;
  return own === undefined ? path : below(own, path.slice(ways.root.length + 1));
}
