import { fstatSync, type BigIntStats } from "node:fs";
import { rawFromBytes, toBytes, type RawPath } from "#observe/raw-path.ts";
import { stampOf, type Stamp } from "#observe/read-file.ts";
import { fileSeen } from "#observe/seen.ts";
import type { Evidence, FileSeen } from "#policy/evidence.ts";
import type { Verdict } from "#policy/verdict.ts";
import type { Gate, Question } from "#platform/gate.ts";

/** The file of one question, as it was when the gate first looked. */
export interface About {
  readonly pid: number;
  readonly stat: BigIntStats;
  readonly stamp: Stamp;
  /** As the kernel says it; it names none past 4 KiB. */
  readonly raw: RawPath | undefined;
  /** Where it leads to the file, as far as we know. */
  readonly path: RawPath | undefined;
}

/** Where the kernel named no path it still is a file. */
export function fileOf(raw: RawPath | undefined, stamp: Stamp): FileSeen {
  const { dev, ino, size, nlink, owner } = stamp;
  return raw === undefined ? { path: "(unnamed)", dev, ino, size, nlink, owner } : fileSeen(raw, stamp);
}

/** Identities that one message names: whoever puts every marker of a large policy into one file must not make it too long to be heard. */
const mostNamed = 16;

/** A denial as the agent is told of it. */
export function denialOf(
  evidence: Evidence,
  verdict: Verdict,
): { readonly evidence: Evidence; readonly verdict: Verdict } {
  const { marker } = evidence.seen;
  const few = "value" in marker ? { value: marker.value.slice(0, mostNamed) } : marker;
  const identities = verdict.because.filter(({ rule }) => rule === "identity").slice(mostNamed);
  const because = verdict.because.filter((reason) => !identities.includes(reason));
  return { evidence: { ...evidence, seen: { ...evidence.seen, marker: few } }, verdict: { ...verdict, because } };
}

export function base64(path: RawPath | undefined): string {
  return path === undefined ? "" : toBytes(path).toString("base64");
}

/** The file of a question. `proof`: a path alone can prove something here, so that it is looked at again. */
export function look({ fd, pid, path }: Question, gate: Pick<Gate, "isOurs" | "idAt">, proof: boolean): About {
  const stat = fstatSync(fd, { bigint: true });
  const stamp = stampOf(stat);
  const raw = rawFromBytes(path);
  return { pid, stat, stamp, raw, path: raw && leads(raw, stamp, gate, proof) ? raw : undefined };
}

/** Whether the path can lead to the file: on our own filesystems, and where that matters by trying it. */
function leads(path: RawPath, { dev, ino }: Stamp, gate: Pick<Gate, "isOurs" | "idAt">, proof: boolean): boolean {
  if (!path.startsWith("/") || path.endsWith(" (deleted)") || !gate.isOurs(dev)) return false;
  if (!proof) return true;
  const there = gate.idAt(toBytes(path));
  return there?.dev === dev && there.ino === ino;
}
