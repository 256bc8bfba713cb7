import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { systemCode } from "#lib/errors.ts";
import { entrySchema, type Entry } from "#protocol/status.ts";

/** Entries kept. */
const longest = 1_000;

/** Everything this agent recorded lately, oldest first: the same things that go to the server. Survives restarts. */
export class Journal {
  readonly #file: string;
  readonly #onError: (error: unknown) => void;
  #entries: Entry[];
  #lines: number;

  constructor(file: string, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
    this.#entries = readEntries(file, onError);
    this.#lines = this.#entries.length;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > longest) this.#entries.shift();
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

  #append(entry: Entry): void {
    try {
      if (this.#lines >= 2 * longest) this.#compact();
      else appendFileSync(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      this.#lines += 1;
    } catch (error) {
      this.#onError(error);
    }
  }

  #compact(): void {
    writeFileSync(`${this.#file}.new`, this.#entries.map((e) => `${JSON.stringify(e)}\n`).join(""), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#lines = this.#entries.length;
  }
}

function readEntries(file: string, onError: (error: unknown) => void): Entry[] {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") onError(error);
  }
  const entries = new Map<string, Entry>();
  for (const line of text.split("\n")) {
    try {
      const entry = entrySchema.parse(JSON.parse(line));
      entries.set(entry.id, entry);
    } catch {
      // A line cut by a crash is left out: the journal is for reading, the spool is what is sent.
    }
  }
  return [...entries.values()].slice(-longest);
}
