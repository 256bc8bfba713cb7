import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
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
  readonly code: "denied" | "unknown" | "invalid";
  constructor(code: Refusal["code"], message: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

export interface ControlOptions {
  readonly path: string;
  /** Undefined where the system cannot say who asks: then nobody is answered. */
  readonly peerUid: (socket: Socket) => number | undefined;
  readonly handlers: Handlers;
  readonly log: Log;
  /** Called when questions are being taken. */
  readonly listening?: () => void;
}

/** Bytes of one question; connections at once; milliseconds a silent one is kept. */
const bounds = { question: 65_536, connections: 64, idle: 10_000 } as const;

/** Answers questions on a local socket until the signal aborts. Anyone may connect; who they are decides what they get. */
export async function serveControl(options: ControlOptions, signal: AbortSignal): Promise<void> {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o755 });
  rmSync(options.path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // The asker may go away at any moment; that is theirs to decide.
    socket.on("error", () => socket.destroy());
    socket.setTimeout(bounds.idle, () => socket.destroy());
    const uid = options.peerUid(socket);
    if (uid === undefined)
      socket.end(line({ ok: false, code: "denied", message: "this system does not say who you are" }));
    else converse(socket, uid, options);
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
      for (const socket of sockets) socket.destroy();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function converse(socket: Socket, uid: number, options: ControlOptions): void {
  let pending = "";
  let turn = Promise.resolve();
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    pending += chunk;
    if (pending.length > bounds.question) {
      socket.end(line({ ok: false, code: "invalid", message: `a question has at most ${bounds.question} characters` }));
      return;
    }
    const lines = pending.split("\n");
    pending = lines.pop() ?? "";
    for (const text of lines) {
      turn = turn.then(async () => {
        const reply = line(await answer(text, uid, options));
        if (socket.writable) socket.write(reply);
      });
    }
  });
}

async function answer(text: string, uid: number, { handlers, log }: ControlOptions): Promise<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, code: "invalid", message: "not JSON" };
  }
  const question = questionSchema.safeParse(json);
  if (!question.success) return { ok: false, code: "invalid", message: "no such question" };
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
