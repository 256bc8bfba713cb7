import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { systemCode } from "#lib/errors.ts";
import { PlatformError } from "#platform/platform.ts";
import type { ProcessSeen } from "#policy/evidence.ts";
import { statusLine, unlessDenied } from "#platform/linux/identity.ts";
import { sharesMounts } from "#platform/linux/inspect.ts";
import { languageOf } from "#platform/linux/language.ts";
import { parseEnviron, terminalName, type ProcStat } from "#platform/linux/proc.ts";
import { readSmall } from "#platform/linux/read.ts";

type Written = "written" | { readonly not: string };
const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
/** No message of ours is longer; a terminal's own buffer is 4 KiB (N_TTY_BUF_SIZE). */
const lengthLimit = 4096;

/** Whether a character may stand on a person's terminal: no C0 or C1 control, no escape, no change of writing direction. */
function printable(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  return !(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

/** Text as a terminal in any mode shows it, and nothing that steers one: file names are strangers' words. */
export function terminalText(text: string): string {
  let safe = "";
  for (const character of text) {
    if (character === "\n") safe += "\r\n";
    else if (character === "\t") safe += " ";
    else if (printable(character.codePointAt(0) ?? 0)) safe += character;
  }
  return safe;
}

/**
 * Who shows where a process sits: itself, or, when it has ended (a stopped tool's message comes after it, or its screen
 * would swallow it), the leader of its session: the shell in which it was typed.
 */
function witness({ pid, start, session }: ProcessSeen): ProcStat | undefined {
  const own = statusLine(pid);
  if (own?.start === start && own.state !== "Z") return own;
  const leader = session === undefined || session === pid ? undefined : statusLine(session);
  return leader !== undefined && leader.session === session && leader.start <= start ? leader : undefined;
}

/** The language a process was started in, or its shell: BCP 47. Undefined where nobody is left to say. */
export function terminalLanguage(process: ProcessSeen): string | undefined {
  const line = witness(process);
  const bytes = line && unlessDenied(() => readSmall(`/proc/${line.pid}/environ`, 256 * 1024));
  return bytes && languageOf(parseEnviron(bytes));
}

/**
 * Writes to the pseudo-terminal of one process, or where it was until it ended. Only where the terminal is its user's, and it sees the same /dev as we do:
 * a private devpts uses the host's numbers. A stopped terminal (XOFF) takes nothing, and is not waited for.
 */
export function writeTerminal(process: ProcessSeen, text: string): Written {
  const { tty, uid } = process;
  if (tty === null || tty === undefined) return { not: "it has no terminal" };
  if (!/^\/dev\/pts\/\d{1,7}$/.test(tty)) return { not: `${terminalText(tty)} is no pseudo-terminal` };
  if (uid === undefined) return { not: "its user is not known" };
  try {
    const line = witness(process);
    if (line === undefined) return { not: "the process has ended, and its shell too" };
    if (terminalName(line.tty) !== tty) return { not: "the process has left the terminal" };
    if (!sharesMounts(line.pid)) return { not: "the process has file systems of its own" };
    return writeTo(tty, line.tty, uid, Buffer.from(terminalText(text)));
  } catch (error) {
    if (error instanceof PlatformError) return { not: error.message };
    throw error;
  }
}

function writeTo(path: string, device: number, owner: number, bytes: Buffer): Written {
  if (bytes.length > lengthLimit) return { not: "the message is too long" };
  let fd: number | undefined;
  try {
    fd = openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    const now = fstatSync(fd);
    if (!now.isCharacterDevice() || now.rdev !== device) return { not: `${path} is another terminal` };
    if (now.uid !== owner) return { not: "the terminal belongs to somebody else" };
    const written = writeSync(fd, bytes);
    return written === bytes.length ? "written" : { not: "the terminal took only a part" };
  } catch (error) {
    const code = systemCode(error);
    if (code === "EAGAIN") return { not: "the terminal is stopped" };
    if (code !== undefined) return { not: `the terminal cannot be written: ${code}` };
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
