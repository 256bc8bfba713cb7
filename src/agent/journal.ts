import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { describe, systemCode } from "#lib/errors.ts";
import { entrySchema, type Entry } from "#protocol/status.ts";

/** Entries kept. */
const longest = 1_000;
/** Bytes that are read back; more than the file can have. */
const mostBytes = 256 * 1024 * 1024;

/** Everything this agent recorded lately, oldest first: the same things that go to the server. Survives restarts. */
export class Journal {
  readonly #file: string;
  readonly #onError: (error: unknown) => void;
  #entries: Entry[];
  #lines: number;
  /** Why the disk did not take the last entry; undefined while it does. */
  trouble: string | undefined;

  constructor(file: string, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
    const { entries, lines, whole } = readEntries(file, onError);
    this.#entries = entries;
    this.#lines = lines;
    while (this.#entries.length > longest) this.#entries.splice(this.#oldestOfMost(), 1);
    // What is appended to half a line would be lost with it.
    if (!whole) this.#try(() => this.#compact());
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > longest) this.#entries.splice(this.#oldestOfMost(), 1);
    this.#append(entry);
  }

  /** How the person was told of it, once that is known. */
  told(id: string, told: Entry["told"]): void {
    const at = this.#entries.findLastIndex((entry) => entry.id === id);
    const entry = this.#entries[at];
    if (entry === undefined) return;
    this.#entries[at] = { ...entry, told };
    this.#append({ ...entry, told });
  }

  /** A person sees their own; root (uid 0) sees all. */
  of(uid: number): readonly Entry[] {
    return uid === 0 ? this.#entries : this.#entries.filter((entry) => entry.uid === uid);
  }

  /** The oldest entry of whoever has the most: nobody can push out what is recorded about another. */
  #oldestOfMost(): number {
    const counts = new Map<number | null, number>();
    for (const { uid } of this.#entries) counts.set(uid, (counts.get(uid) ?? 0) + 1);
    const most = Math.max(...counts.values());
    return this.#entries.findIndex(({ uid }) => counts.get(uid) === most);
  }

  #append(entry: Entry): void {
    this.#try(() => {
      if (this.#lines >= 2 * longest) return this.#compact();
      appendFileSync(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      this.#lines += 1;
    });
  }

  #try(act: () => void): void {
    try {
      act();
      this.trouble = undefined;
    } catch (error) {
      this.trouble = describe(error);
      // Half a line may stand there now: the next one begins with a whole file.
      this.#lines = 2 * longest;
      this.#onError(error);
    }
  }

  #compact(): void {
    writeFileSync(`${this.#file}.new`, this.#entries.map((e) => `${JSON.stringify(e)}\n`).join(""), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#lines = this.#entries.length;
  }
}

function readEntries(
  file: string,
  onError: (error: unknown) => void,
): { readonly entries: Entry[]; readonly lines: number; readonly whole: boolean } {
  let text = "";
  try {
    if (statSync(file).size > mostBytes) throw new Error(`${file} is longer than ${mostBytes} bytes and starts anew`);
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { entries: [], lines: 0, whole: true };
    onError(error);
    return { entries: [], lines: 0, whole: false };
  }
  const entries = new Map<string, Entry>();
  const lines = text.split("\n");
  for (const line of lines) {
    try {
      const entry = entrySchema.parse(JSON.parse(line));
      entries.set(entry.id, entry);
    } catch {
      // A line cut by a crash is left out: the journal is for reading, the spool is what is sent.
    }
  }
  return {
    entries: [...entries.values()],
    lines: lines.length - 1,
    whole: text === "" || text.endsWith("\n"),
  };
}
