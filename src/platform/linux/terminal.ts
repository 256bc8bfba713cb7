import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { describe, systemCode } from "#lib/errors.ts";
import { PlatformError } from "#platform/platform.ts";
import type { ProcessSeen } from "#policy/evidence.ts";
import { statusLine, ifReadable } from "#platform/linux/identity.ts";
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

/** The language a process was started in, or its shell: BCP 47. */
function languageAt(pid: number): string | undefined {
  const bytes = ifReadable(() => readSmall(`/proc/${pid}/environ`, 256 * 1024));
  return bytes && languageOf(parseEnviron(bytes));
}

/**
 * Opens the pseudo-terminal of one process, or where it was until it ended. Only where the terminal is its user's, and it
 * sees the same /dev as we do: a private devpts uses the host's numbers.
 */
function openTerminal(process: ProcessSeen): { readonly fd: number } | { readonly not: string } {
  const { tty, uid } = process;
  if (tty === null || tty === undefined) return { not: "it has no terminal" };
  if (!/^\/dev\/pts\/\d{1,7}$/.test(tty)) return { not: `${terminalText(tty)} is no pseudo-terminal` };
  if (uid === undefined) return { not: "its user is not known" };
  let fd: number | undefined;
  let not: string;
  try {
    const line = witness(process);
    if (line === undefined) return { not: "the process has ended, and its shell too" };
    if (terminalName(line.tty) !== tty) return { not: "the process has left the terminal" };
    if (!sharesMounts(line.pid)) return { not: "the process has file systems of its own" };
    fd = openSync(tty, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    const now = fstatSync(fd);
    if (!now.isCharacterDevice() || now.rdev !== line.tty) not = `${tty} is another terminal`;
    else if (now.uid !== uid) not = "the terminal belongs to somebody else";
    else return { fd };
  } catch (error) {
    if (!(error instanceof PlatformError) && systemCode(error) === undefined) throw error;
    not = `the terminal cannot be opened: ${describe(error)}`;
  }
  if (fd !== undefined) closeSync(fd);
  return { not };
}

/** A stopped terminal (XOFF) takes nothing, and is not waited for. */
function write(fd: number, text: string): Written {
  const bytes = Buffer.from(terminalText(text));
  if (bytes.length > lengthLimit) return { not: "the message is too long" };
  try {
    return writeSync(fd, bytes) === bytes.length ? "written" : { not: "the terminal took only a part" };
  } catch (error) {
    const code = systemCode(error);
    if (code === "EAGAIN") return { not: "the terminal is stopped" };
    if (code !== undefined) return { not: `the terminal cannot be written: ${code}` };
    throw error;
  }
}

interface Kept {
  readonly fd: number;
  readonly language: string | undefined;
  readonly timer: NodeJS.Timeout;
}
/** Terminals kept open at once, and for how many milliseconds. */
const keep = { most: 64, time: 15_000 } as const;
const keyOf = ({ pid, start, tty }: ProcessSeen): string => `${pid} ${start} ${tty ?? ""}`;

/** Persons' terminals. One whose process is about to be stopped can be kept open, as nobody may be left there afterwards. */
export class Terminals {
  readonly #kept = new Map<string, Kept>();

  keep(process: ProcessSeen): void {
    const key = keyOf(process);
    if (this.#kept.has(key) || this.#kept.size >= keep.most) return;
    const opened = openTerminal(process);
    if ("not" in opened) return;
    const timer = setTimeout(() => this.#release(key), keep.time).unref();
    this.#kept.set(key, { fd: opened.fd, language: languageAt(process.pid), timer });
  }

  language(process: ProcessSeen): string | undefined {
    const kept = this.#kept.get(keyOf(process));
    if (kept !== undefined) return kept.language;
    const line = witness(process);
    return line && languageAt(line.pid);
  }

  write(process: ProcessSeen, text: string): Written {
    const key = keyOf(process);
    const opened = this.#kept.get(key) ?? openTerminal(process);
    if ("not" in opened) return opened;
    try {
      return write(opened.fd, text);
    } finally {
      if (!this.#release(key)) closeSync(opened.fd);
    }
  }

  #release(key: string): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return false;
    clearTimeout(kept.timer);
    closeSync(kept.fd);
    return this.#kept.delete(key);
  }
}
