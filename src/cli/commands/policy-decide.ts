import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { catalogOf } from "#cli/catalog.ts";
import { CommandError, textOption, type Command, type Input, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { linesOf } from "#cli/lines.ts";
import { readParsed, readPolicy } from "#cli/policy-files.ts";
import { partOptions, withParts } from "#cli/policy-parts.ts";
import { printableLine } from "#cli/printable.ts";
import { describe } from "#lib/errors.ts";
import { parseInstant, type Instant } from "#lib/pure/instant.ts";
import { compile } from "#policy/compile.ts";
import { conflictText } from "#policy/conflict.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema, parseDevice, type Device } from "#policy/device.ts";
import { parseEvidence, PolicyError } from "#policy/parse.ts";
import { explain } from "#policy/explain.ts";

/** Bytes of one evidence. */
const mostLine = 1024 * 1024;
const mostDevice = 16 * 1024 * 1024;

/** `edict policy decide FILE --evidence FILE|-`: a line of JSON in, a line of JSON out; a line that is none is named. */
export const command: Command = {
  arguments: ["<file>"],
  options: [
    ["--evidence <file>", "lines of JSON, each one evidence; - for standard input"],
    ["--catalog <dir>", "the catalog's folder, instead of the shipped one"],
    ["--at <instant>", "the moment, such as 2026-07-10T00:00:00+08:00; now where it is left out"],
    ["--device <file>", "the device as JSON; a Linux device in no group where it is left out"],
    ...partOptions,
    ["--json", "lines of JSON instead of words"],
  ],
  run: async (input, io) => {
    const [file = ""] = input.args;
    const at = instantOption(input, io);
    const catalog = await catalogOf(input, io);
    const whole = await withParts(input, io, await readPolicy(io, file), catalog, await deviceOption(input, io));
    const { device, conflicts } = whole;
    const matcher = compile(whole.policy, catalog);
    for (const conflict of conflicts) io.err(`${printableLine(conflictText(conflict))}\n`);
    const source = textOption(input, "evidence");
    if (source === undefined)
      throw new CommandError(exitCodes.usage[0], "name the evidence: --evidence FILE, or - for standard input");
    const stream = source === "-" ? io.stdin : createReadStream(resolve(io.cwd, source));
    let bad = 0;
    for await (const { number, bytes } of linesFrom(stream, source)) {
      if (bytes?.every((byte) => byte <= 0x20) === true) continue;
      try {
        if (bytes === undefined) throw new RangeError(`it has more than ${mostLine} bytes`);
        const evidence = parseEvidence(bytes);
        const verdict = decide(matcher, evidence, at, device);
        io.out(
          input.options["json"] === true
            ? `${JSON.stringify(verdict)}\n`
            : `${explain(matcher, verdict, evidence, at).join("\n")}\n\n`,
        );
      } catch (error) {
        if (!(error instanceof PolicyError) && !(error instanceof RangeError)) throw error;
        bad += 1;
        io.err(`${source}: line ${number}: ${reason(error)}\n`);
      }
    }
    return bad === 0 ? exitCodes.ok[0] : exitCodes.failed[0];
  },
};

/** Within one line of JSON, "line 1" says nothing. */
function reason(error: Error): string {
  return describe(error).replace(" (line 1)", "");
}

async function* linesFrom(stream: AsyncIterable<Uint8Array>, source: string): ReturnType<typeof linesOf> {
  try {
    yield* linesOf(stream, mostLine);
  } catch (cause) {
    throw new CommandError(exitCodes.usage[0], `${source} cannot be read`, { cause });
  }
}

function instantOption(input: Input, io: Io): Instant {
  const text = textOption(input, "at");
  if (text === undefined) return io.clock.now();
  try {
    return parseInstant(text);
  } catch (cause) {
    throw new CommandError(
      exitCodes.usage[0],
      `--at expects an instant with its offset such as 2026-07-10T00:00:00+08:00, found ${text}`,
      { cause },
    );
  }
}

async function deviceOption(input: Input, io: Io): Promise<Device> {
  const file = textOption(input, "device");
  return file === undefined
    ? deviceOf(deviceSchema.parse({}))
    : (await readParsed(io, file, mostDevice, parseDevice)).value;
}
