import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "#lib/clock.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { makeScan } from "#observe/scan.ts";
import type { InstallRoot } from "#platform/platform.ts";
import type { Evidence, Seen } from "#policy/evidence.ts";
import { ecosystems } from "#policy/tool.ts";
import { identifier, wanting, write } from "./place.ts";

const everything = wanting({ ecosystems: new Set(ecosystems), needles: [] });

/** Files by their path below `root`: text, or `{ link }`. A path that ends with a slash is an empty folder. */
export function lay(root: string, files: Readonly<Record<string, string | Uint8Array | { readonly link: string }>>) {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else if (typeof content === "object" && "link" in content) {
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(content.link, path);
    } else write(path, content);
  }
}

/** Every package and extension that was read, "npm cowsay 1.6.0", in order. */
export function saidBy({ package: packages, extension }: Seen): readonly string[] {
  return [
    ...("value" in packages ? packages.value.map((p) => `${p.ecosystem} ${p.id} ${p.version ?? "-"}`) : []),
    ...("value" in extension ? extension.value.map((e) => `${e.host} ${e.id} ${e.version ?? "-"}`) : []),
  ];
}

/** One look through roots, as a scan does it: what it found, and all that it could not read. */
export async function lookAt(roots: readonly InstallRoot[]) {
  const { scan } = makeScan({ wanted: everything, roots, os: "linux", clock: systemClock, dpkgFolder: "/nowhere" });
  const found: Evidence[] = [];
  for await (const evidence of scan) found.push(evidence);
  const said = found.flatMap(({ seen }) => saidBy(seen)).toSorted();
  return { found, said, unreadable: scan.unreadable, containers: scan.containers };
}

type Root = readonly [path: string, holds: InstallRoot["holds"], depth: number];

export function lookThrough(...roots: readonly Root[]) {
  return lookAt(roots.map(([path, holds, depth]) => ({ path, owner: 0, holds, depth })));
}

/** Whose a file is, as its owner says; it is made where it is not there. */
export async function ownersOf(path: string): Promise<readonly string[]> {
  const raw = rawFromText(path);
  const found = raw === undefined ? { unread: "no path" } : await identifier(everything).file(raw);
  if ("unread" in found) throw new Error(`${path}: ${found.unread}`);
  return saidBy(found.seen);
}
