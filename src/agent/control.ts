import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { Allowance } from "#agent/allowance.ts";
import { ownFolder } from "#agent/folders.ts";
import type { Clock } from "#lib/clock.ts";
import { describe } from "#lib/errors.ts";
import type { Log } from "#lib/log.ts";
import { questionSchema, type Answer, type Question } from "#protocol/control.ts";

type Ask = Question["ask"];
/** One handler a question. `uid` is the asker's, as the kernel says. @throws Refusal */
export type Handlers = {
  readonly [A in Ask]: (question: Extract<Question, { ask: A }>, uid: number) => object | Promise<object>;
};

/** What a person is told when the answer is no. */
export class Refusal extends Error {
  readonly code: "denied" | "unknown" | "invalid" | "no-server";
  constructor(code: Refusal["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Refusal";
    this.code = code;
  }
}

export interface ControlOptions {
  readonly path: string;
  /** Undefined where the system cannot say who asks: then nobody is answered. */
  readonly peerUid: (socket: Socket) => number | undefined;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when questions are being taken. */
  readonly listening?: () => void;
}

/** Bytes of one question; connections at once, and of one user; milliseconds in which a question has to arrive and an answer to be taken, and those for whoever is refused. */
const bounds = { question: 65_536, connections: 512, perUser: 16, patience: 10_000, refused: 500 } as const;

/** What a question costs of a user's allowance: those that read files, judge everything again or ask the server cost more. */
const costs: { readonly [A in Ask]: number } = {
  status: 1,
  policy: 1,
  doctor: 1,
  "why-ban": 1,
  "why-pid": 5,
  request: 20,
  continue: 20,
};

/**
 * Answers questions on a local socket until the signal aborts. Anyone may connect; who they are decides what they get, and
 * nobody gets so much that others get nothing. @throws Error where the socket's folder is not ours alone
 */
export async function serveControl(options: ControlOptions, signal: AbortSignal): Promise<void> {
  ownFolder(dirname(options.path), 0o755);
  rmSync(options.path, { force: true });
  const sockets = new Map<Socket, number | undefined>();
  const allowance = new Allowance(options.clock);
  // Who closes their half after the question still gets the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // The asker may go away at any moment; that is theirs to decide.
    socket.on("error", () => socket.destroy());
    const uid = options.peerUid(socket);
    const others = [...sockets.values()].filter((other) => other === uid).length;
    const busy = others >= bounds.perUser;
    sockets.set(socket, busy ? undefined : uid);
    socket.on("close", () => sockets.delete(socket));
    if (uid === undefined) refuse(socket, "denied", "this system does not say who you are");
    else if (busy) refuse(socket, "busy", "you are asking too much at once");
    else void converse(socket, uid, options, allowance);
  });
  server.maxConnections = bounds.connections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.path, resolve);
  });
  chmodSync(options.path, 0o666);
  options.listening?.();
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      server.close(() => resolve());
      for (const socket of sockets.keys()) socket.destroy();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** Closing with something unread would take the words from the asker too (ECONNRESET): it is read, and forgotten. */
function refuse(socket: Socket, code: "denied" | "busy", message: string): void {
  socket.resume();
  socket.end(line({ ok: false, code, message }));
  setTimeout(() => socket.destroy(), bounds.refused).unref();
}

/** One question after the other: what is not read yet waits in the asker's own buffers. */
async function converse(socket: Socket, uid: number, options: ControlOptions, allowance: Allowance): Promise<void> {
  const arm = (): NodeJS.Timeout => setTimeout(() => socket.destroy(), bounds.patience);
  let late = arm();
  const say = async (reply: Answer): Promise<void> => {
    late = arm();
    await new Promise<void>((resolve) => socket.write(line(reply), () => resolve()));
    clearTimeout(late);
  };
  try {
    let pending = Buffer.alloc(0);
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk]);
      for (let end = pending.indexOf(10); end >= 0 && end <= bounds.question; end = pending.indexOf(10)) {
        clearTimeout(late); // an answer may take its time
        await say(await answer(pending.toString("utf8", 0, end), uid, options, allowance));
        pending = pending.subarray(end + 1);
        late = arm();
      }
      if (pending.length > bounds.question) {
        clearTimeout(late);
        await say({ ok: false, code: "invalid", message: `a question has at most ${bounds.question} bytes` });
        break;
      }
    }
    socket.end(() => socket.destroy());
  } catch {
    // It was cut: the asker went, was too slow, or the agent stops.
  } finally {
    clearTimeout(late);
    if (!socket.writableEnded) socket.destroy();
  }
}

async function answer(
  text: string,
  uid: number,
  { handlers, log }: ControlOptions,
  allowance: Allowance,
): Promise<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, code: "invalid", message: "not JSON" };
  }
  const question = questionSchema.safeParse(json);
  if (!question.success) return { ok: false, code: "invalid", message: "no such question" };
  if (!allowance.take(uid, costs[question.data.ask]))
    return { ok: false, code: "busy", message: "you have asked very often: wait a minute" };
  try {
    return { ok: true, result: await dispatch(handlers, question.data, uid) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message };
    log.error("a question could not be answered", { ask: question.data.ask, error: describe(error) });
    return { ok: false, code: "failed", message: describe(error) };
  }
}

function dispatch(handlers: Handlers, question: Question, uid: number): object | Promise<object> {
  switch (question.ask) {
    case "status":
      return handlers.status(question, uid);
    case "policy":
      return handlers.policy(question, uid);
    case "doctor":
      return handlers.doctor(question, uid);
    case "why-pid":
      return handlers["why-pid"](question, uid);
    case "why-ban":
      return handlers["why-ban"](question, uid);
    case "request":
      return handlers.request(question, uid);
    case "continue":
      return handlers.continue(question, uid);
  }
}

const line = (value: Answer): string => `${JSON.stringify(value)}\n`;
