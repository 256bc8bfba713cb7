import { lstat, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { readBounded, writeAtomic } from "#lib/atomic-file.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { HttpClient, RequestError } from "#lib/request.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { fileOption, neededOption, readInput } from "#cli/trust.ts";

const healthSchema = z.object({ name: z.literal("edict-server") });
const settingsSchema = z.record(z.string(), z.unknown());

/**
 * Writes into the agent's settings which server is this device's, and where the enrolment secret lies. The agent enrols when it
 * starts, with a key that it makes itself: no key of the device is ever in the hands of whoever runs this.
 */
export const command: Command = {
  options: [
    ["--server <url>", "the server's address: https, or http on this machine"],
    ["--secret-file <file>", "a file that holds the enrolment secret, readable by its owner only"],
    ["--root <file>", "the root that signed policies are checked against"],
    ["--ca <file>", "the server's certificate authority, PEM, where no public one vouches for it"],
    ["--config <file>", "the settings to write (default: the agent's own)"],
    ["--json", "print JSON"],
  ],
  async run(input, io) {
    const server = neededOption(input, "server", "--server").replace(/\/+$/, "");
    const secretFile = resolve(io.cwd, neededOption(input, "secretFile", "--secret-file"));
    await checkSecret(secretFile);
    const ca = await fileOption(input, io, "ca", 1024 * 1024);
    const root = textOption(input, "root");
    if (root !== undefined) await readInput(resolve(io.cwd, root), 64 * 1024);
    await checkServer(server, ca?.toString(), io.signal);
    const file = textOption(input, "config") ?? usualConfig(io);
    const config = resolve(io.cwd, file);
    const settings = await change(config, {
      server,
      enrolSecretFile: secretFile,
      ...absolute(input, io, "root"),
      ...absolute(input, io, "ca"),
    });
    if (input.options["json"] === true) io.out(`${JSON.stringify({ config, server, secretFile })}\n`);
    else io.out(`${config} names ${server} now. The agent enrols when it starts: systemctl restart edict\n`);
    if (settings["root"] === undefined)
      io.err(`${config} names no root yet, and without one no policy is believed: run this again with --root FILE\n`);
    return exitCodes.ok[0];
  },
};

function absolute(input: Input, io: Io, name: "root" | "ca"): Record<string, string> {
  const file = textOption(input, name);
  return file === undefined ? {} : { [name]: resolve(io.cwd, file) };
}

/** Where the agent of this user looks: see `agent/config.ts`. */
function usualConfig({ env }: Io): string {
  if (process.getuid?.() === 0) return "/etc/edict/agent.json";
  return join(env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? "/nonexistent", ".config"), "edict/agent.json");
}

/** A secret that others can read is none. @throws CommandError */
async function checkSecret(file: string): Promise<void> {
  const bytes = await readInput(file, 4096);
  const { mode } = await lstat(file);
  if ((mode & 0o077) !== 0)
    throw new CommandError(exitCodes.usage[0], `${file} can be read by others: chmod 600, and ask for a new secret`);
  const secret = bytes.toString("utf8").trim();
  if (secret.length < 16 || /[^\x21-\x7e]/.test(secret))
    throw new CommandError(exitCodes.usage[0], `${file} holds no enrolment secret: one line, 16 characters or more`);
}

/** @throws CommandError where nobody answers, or not an Edict server */
async function checkServer(server: string, ca: string | undefined, signal: AbortSignal): Promise<void> {
  const http = new HttpClient({ ca });
  try {
    const reply = await http.request(`${server}/healthz`, { maxBytes: 16 * 1024, timeoutMs: 10_000, signal });
    healthSchema.parse(JSON.parse(reply.bytes.toString("utf8")));
  } catch (error) {
    if (error instanceof RequestError && error.code === "address")
      throw new CommandError(exitCodes.usage[0], `--server: ${error.message}`);
    const why = error instanceof RequestError ? error.message : `${server} answers, but is no Edict server`;
    throw new CommandError(exitCodes.noServer[0], why);
  } finally {
    http.close();
  }
}

/** Changes these keys and keeps all others; the whole as it stands then. @throws CommandError */
async function change(file: string, settings: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  let after: Record<string, unknown> = settings;
  try {
    const before = settingsSchema.parse(JSON.parse((await readBounded(file, 1024 * 1024)).toString("utf8")));
    after = { ...before, ...settings };
  } catch (error) {
    if (systemCode(error) === "EACCES") throw new CommandError(exitCodes.denied[0], `${file}: ${describe(error)}`);
    if (systemCode(error) !== "ENOENT")
      throw new CommandError(
        exitCodes.usage[0],
        `${file} is there and is not JSON settings: repair it, or move it away`,
      );
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeAtomic(file, Buffer.from(`${JSON.stringify(after, undefined, 2)}\n`), 0o600);
  } catch (error) {
    const code = ["EACCES", "EPERM", "EROFS"].includes(systemCode(error) ?? "") ? exitCodes.denied : exitCodes.failed;
    throw new CommandError(code[0], `${file} cannot be written: ${describe(error)}`);
  }
  return after;
}
