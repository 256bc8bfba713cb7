import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import { clean } from "#lib/pure/text.ts";
import { Queue } from "#lib/queue.ts";
import { compose } from "#notify/compose.ts";
import { Desk, type DeskTimes, type Shown } from "#notify/desk.ts";
import { Recent } from "#notify/recent.ts";
import { ToastCounter } from "#notify/toast-counter.ts";
import type { GraphicalSession, Platform } from "#platform/platform.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Toast } from "#protocol/session.ts";

export interface Told {
  readonly terminal: "written" | { readonly not: string };
  readonly toast: Shown;
}

/** A button that a person pressed. `person` is the login name. "open" has been done by the session itself. */
export interface Press {
  readonly person: string;
  readonly ban: string;
  readonly key: Toast["actions"][number]["key"];
}

export interface Teller {
  /** Never throws; resolves when the toast is on the screen, or it is known why not. */
  tell(outcome: Outcome): Promise<Told>;
  /** Until the signal aborts. One reader. */
  presses(signal: AbortSignal): AsyncIterable<Press>;
  /** Answers a press with a toast of its own; it counts for nothing. `person` is the login name. */
  answer(person: string, title: string, lines: readonly string[]): Promise<Shown>;
  close(): Promise<void>;
}

export interface TellerOptions {
  readonly platform: Pick<Platform, "sessions" | "startSession" | "terminalLanguage" | "writeTerminal">;
  readonly clock: Clock;
  /** Counts toasts over restarts. */
  readonly stateFile: string;
  /** IANA name; the machine's own where it is left out. */
  readonly timeZone?: string;
  /** BCP 47, for whoever's language cannot be seen. */
  readonly language?: string;
  readonly times?: Partial<DeskTimes>;
}

/** Milliseconds in which one block on a terminal is enough for one ban; logins are looked up again after. */
const [sameBlock, sameLogins] = [5_000, 5_000];
/** Presses that nobody has read; toasts whose buttons are known; terminals that are remembered. */
const bounds = { presses: 64, toasts: 1_000, terminals: 1_000 } as const;

export function createTeller(options: TellerOptions): Teller {
  return new PersonTeller(options);
}

class PersonTeller implements Teller {
  readonly #options: TellerOptions;
  readonly #timeZone: string;
  readonly #counter: ToastCounter;
  readonly #blocks: Recent;
  readonly #presses = new Queue<Press>(bounds.presses);
  /** Toast → whom it was for, and which of its buttons were pressed. */
  readonly #toasts = new Map<
    string,
    { readonly person: string; readonly ban: string; readonly pressed: Set<string> }
  >();
  readonly #desks = new Map<string, Desk>();
  #answers = 0;
  #logins: { readonly at: number; readonly found: Promise<readonly GraphicalSession[]> } | undefined;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#timeZone = options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#counter = new ToastCounter(options.stateFile, options.clock, this.#timeZone);
    this.#blocks = new Recent(options.clock, sameBlock, bounds.terminals);
  }

  async tell(outcome: Outcome): Promise<Told> {
    try {
      const login = await this.#loginOf(outcome.evidence);
      return { terminal: this.#write(outcome, login), toast: await this.#show(outcome, login) };
    } catch (error) {
      const not = { not: describe(error) };
      return { terminal: not, toast: not };
    }
  }

  presses(signal: AbortSignal): AsyncIterable<Press> {
    return this.#presses.read(signal);
  }

  async answer(person: string, title: string, lines: readonly string[]): Promise<Shown> {
    const login = (await this.#options.platform.sessions()).find((one) => one.person.name === person);
    if (login === undefined) return { not: "this person is not logged in at a desktop" };
    this.#answers += 1;
    const body = lines.slice(0, 8).map((line) => clean(line, 160));
    return this.#deskOf(login).show({
      type: "toast",
      id: `answer-${this.#answers}`,
      title: clean(title, 80),
      body: body.join("\n"),
      actions: [],
    });
  }

  async close(): Promise<void> {
    for (const desk of this.#desks.values()) desk.close();
    this.#desks.clear();
    this.#presses.close();
    await this.#counter.settled();
  }

  /** A denial is always said, but not fifty times when a tool starts itself again. */
  #write(outcome: Outcome, login: GraphicalSession | undefined): Told["terminal"] {
    const { platform, language } = this.#options;
    const { process } = outcome.evidence;
    if (process === undefined) return { not: "nothing runs" };
    if (process.tty === null || process.tty === undefined) return { not: "it has no terminal" };
    const spoken = platform.terminalLanguage(process) ?? login?.language ?? language ?? "en";
    const message = compose(outcome, spoken, this.#timeZone);
    if (message === undefined) return { not: "there is nothing to say" };
    // The session too: the next window may get the number of one that was closed.
    const key = JSON.stringify([process.tty, process.session, outcome.verdict.ban, outcome.did]);
    if (this.#blocks.has(key)) return { not: "it was said there a moment ago" };
    const written = platform.writeTerminal(process, message.terminal);
    if (written === "written") this.#blocks.add(key);
    return written;
  }

  async #show(outcome: Outcome, login: GraphicalSession | undefined): Promise<Shown> {
    const message = compose(outcome, login?.language ?? "en", this.#timeZone);
    const { ban, notice } = outcome.verdict;
    if (message === undefined || ban === null) return { not: "there is nothing to say" };
    if (login === undefined) return { not: "this person is not logged in at a desktop" };
    const person = login.person.name;
    // Whoever may lose work is told, however often they were told other things: a grace begins once a process.
    const counted = outcome.did !== "grace";
    // What merely lies there is said once a day, and leaves the day's toasts to what is stopped.
    const lies = outcome.evidence.process === undefined;
    const [subject, most] = lies ? [`${ban} installed`, 1] : [ban, notice?.notifyPerDay ?? 1];
    if (counted && !(await this.#counter.take(person, subject, Math.min(most, notice?.notifyPerDay ?? 1))))
      return { not: "this person was told often enough today" };
    this.#remember(outcome.id, person, ban);
    const shown = await this.#deskOf(login).show(message.toast);
    if (counted && shown !== "shown") this.#counter.giveBack(person, subject);
    return shown;
  }

  #remember(id: string, person: string, ban: string): void {
    this.#toasts.set(id, { person, ban, pressed: new Set() });
    const [oldest] = this.#toasts.keys();
    if (this.#toasts.size > bounds.toasts && oldest !== undefined) this.#toasts.delete(oldest);
  }

  #deskOf(login: GraphicalSession): Desk {
    const key = keyOf(login);
    const { name } = login.person;
    const desk =
      this.#desks.get(key) ??
      new Desk({
        start: () => this.#options.platform.startSession(login),
        onPress: (id, button) => this.#press(name, id, button),
        ...(this.#options.times !== undefined && { times: this.#options.times }),
      });
    this.#desks.set(key, desk);
    return desk;
  }

  /** Each button of a toast counts once, and only for whom the toast was. */
  #press(person: string, id: string, key: Press["key"]): void {
    const toast = this.#toasts.get(id);
    if (toast === undefined || toast.person !== person || toast.pressed.has(key)) return;
    toast.pressed.add(key);
    this.#presses.push({ person, ban: toast.ban, key });
  }

  /** Whose program it is, else whose file. Nobody is told about what belongs to another. */
  async #loginOf({ process, file, script }: Evidence): Promise<GraphicalSession | undefined> {
    const uid = process?.uid ?? (process === undefined ? (script ?? file)?.owner : undefined);
    const now = this.#options.clock.now();
    if (this.#logins === undefined || Math.abs(now - this.#logins.at) > sameLogins)
      this.#logins = { at: now, found: this.#options.platform.sessions() };
    const logins = await this.#logins.found.catch(() => []);
    this.#leave(logins);
    return logins.find(({ person }) => person.uid === uid);
  }

  /** Who has logged out needs no session process. */
  #leave(logins: readonly GraphicalSession[]): void {
    const here = new Set(logins.map(keyOf));
    for (const [key, desk] of this.#desks) {
      if (here.has(key)) continue;
      desk.close();
      this.#desks.delete(key);
    }
  }
}

const keyOf = ({ person, bus }: GraphicalSession): string => `${person.uid} ${bus}`;
