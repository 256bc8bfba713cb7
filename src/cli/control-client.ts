import { createConnection } from "node:net";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { systemCode } from "#lib/errors.ts";
import { answerSchema, controlPaths, type Answer, type Question } from "#protocol/control.ts";

/** Milliseconds an answer may take: the agent may have to ask the server, twice, for at most 15 s each. */
const patience = 40_000;
/** Characters of an answer. */
const longest = 16 * 1024 * 1024;

const codes = {
  denied: exitCodes.denied,
  unknown: exitCodes.failed,
  invalid: exitCodes.failed,
  failed: exitCodes.failed,
  busy: exitCodes.failed,
  "no-server": exitCodes.noServer,
} as const;

/**
 * Asks the agent of this machine, or else one that runs as this user.
 * @throws CommandError noAgent when none answers, and the code that goes with its reason when it says no
 */
export async function ask(question: Question, io: Pick<Io, "env">): Promise<unknown> {
  for (const path of controlPaths(io.env)) {
    const reply = await exchange(path, `${JSON.stringify(question)}\n`);
    if (reply === undefined) continue;
    const answer = parse(reply);
    if (answer === undefined)
      throw new CommandError(exitCodes.noAgent[0], `what answers at ${path} is no Edict agent of this version`);
    if (answer.ok) return answer.result;
    throw new CommandError(codes[answer.code][0], answer.message);
  }
  throw new CommandError(exitCodes.noAgent[0], "the agent does not answer: is it running? (systemctl status edict)");
}

function parse(reply: string): Answer | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(reply)).data;
  } catch {
    return undefined;
  }
}

/** One line there, one line back; undefined where nobody listens. */
function exchange(path: string, question: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = "";
    const end = (value: string | undefined): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(patience, () => end(undefined));
    socket.on("connect", () => socket.write(question));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const at = text.indexOf("\n");
      if (at >= 0 || text.length > longest) end(text.slice(0, Math.max(0, at)));
    });
    socket.on("close", () => end(undefined));
    socket.on("error", (error) => {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ECONNREFUSED" || code === "EPIPE" || code === "ECONNRESET") end(undefined);
      else reject(new CommandError(exitCodes.noAgent[0], `the agent cannot be asked at ${path}: ${code ?? "unknown"}`));
    });
  });
}
