import type { Evidence, FileSeen, ProcessSeen } from "#policy/evidence.ts";
import type { OcsfFile, OcsfProcess } from "#protocol/ocsf.ts";

/** Bounds what one field can carry; a cut text says that it was cut. */
export function clip(text: string, max = 4096): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;

/** The login name and uid a process runs as, as far as both are known. */
export function userOf(process: ProcessSeen | undefined): { name?: string; uid?: string } | undefined {
  if (process?.user === undefined && process?.uid === undefined) return undefined;
  return {
    ...(process.user !== undefined && { name: clip(process.user, 256) }),
    ...(process.uid !== undefined && { uid: String(process.uid) }),
  };
}

function ofFile(file: FileSeen, evidence: Evidence, hashed: boolean): OcsfFile {
  const { hash } = evidence.seen;
  const hashes = hashed && "value" in hash ? hash.value : [];
  return {
    name: clip(baseName(file.path), 512),
    path: clip(file.path),
    type_id: 1, // Regular file
    ...(file.size !== undefined && { size: file.size }),
    ...(file.owner !== undefined && { owner: { uid: String(file.owner) } }),
    ...(hashes.length > 0 && {
      hashes: hashes.slice(0, 8).map((value) => ({ algorithm: "SHA-256", algorithm_id: 3, value: clip(value, 128) })),
    }),
  };
}

/** What was judged: the script where one runs, else the program. */
export function subjectFile(evidence: Evidence): OcsfFile | undefined {
  const file = evidence.script ?? evidence.file;
  return file === undefined ? undefined : ofFile(file, evidence, true);
}

/**
 * A process. What a person typed after the program stays on the machine: an argument can be a password or a whole question
 * to somebody's assistant, and no ban needs it (law 9).
 */
export function ofProcess(evidence: Evidence): OcsfProcess | undefined {
  const { process, script } = evidence;
  if (process === undefined) return undefined;
  const file = subjectFile(evidence);
  const program = process.argv?.[0] ?? evidence.file?.path;
  const words = [...(program === undefined ? [] : [program]), ...(script === undefined ? [] : [script.path])];
  const user = userOf(process);
  const created = process.startedAt === undefined ? undefined : Date.parse(process.startedAt);
  return {
    pid: process.pid,
    ...(file !== undefined && { name: file.name, file }),
    ...(evidence.file !== undefined && { path: clip(evidence.file.path) }),
    ...(words.length > 0 && { cmd_line: clip(words.join(" ")) }),
    ...(created !== undefined && Number.isFinite(created) && created >= 0 && { created_time: created }),
    ...(user !== undefined && { user }),
    ...(process.ppid !== undefined && { parent_process: { pid: process.ppid } }),
    ...((process.session !== undefined || typeof process.tty === "string") && {
      session: {
        ...(process.session !== undefined && { uid: String(process.session) }),
        ...(typeof process.tty === "string" && { terminal: clip(process.tty, 256) }),
      },
    }),
  };
}
