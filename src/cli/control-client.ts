import { createConnection } from "node:net";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { systemCode } from "#lib/errors.ts";
import { answerSchema, controlPaths, type Question } from "#protocol/control.ts";

/** Milliseconds an answer may take. */
const patience = 10_000;

/**
 * Asks the agent of this machine, or else one that runs as this user.
 * @throws CommandError noAgent when none answers, denied or failed when it says no
 */
export async function ask(question: Question, io: Pick<Io, "env">): Promise<unknown> {
  for (const path of controlPaths(io.env)) {
    const reply = await exchange(path, `${JSON.stringify(question)}\n`);
    if (reply === undefined) continue;
    const answer = answerSchema.parse(JSON.parse(reply));
    if (answer.ok) return answer.result;
    throw new CommandError(answer.code === "denied" ? exitCodes.denied[0] : exitCodes.failed[0], answer.message);
  }
  throw new CommandError(exitCodes.noAgent[0], "the agent does not answer: is it running? (systemctl status edict)");
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
      if (at >= 0) end(text.slice(0, at));
    });
    socket.on("close", () => end(undefined));
    socket.on("error", (error) => {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ECONNREFUSED" || code === "EPIPE" || code === "ECONNRESET") end(undefined);
      else reject(new CommandError(exitCodes.noAgent[0], `the agent cannot be asked at ${path}: ${code ?? "unknown"}`));
    });
  });
}
