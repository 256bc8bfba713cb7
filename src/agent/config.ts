import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { checkParents } from "#agent/folders.ts";
import { describe, systemCode } from "#lib/errors.ts";
import { isLoopback } from "#lib/request.ts";

/** `https://host[:port][/folder]`, or http where the host is this machine: nothing else is ever asked (lib/request.ts). */
function isServer(text: string): boolean {
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const bare = `${username}${password}${search}${hash}` === "";
  return bare && (protocol === "https:" || isLoopback(hostname));
}

const server = z
  .url({ protocol: /^https?$/, error: "expected an https address", abort: true })
  .refine(isServer, "expected https:// (http:// only for this machine), a host, and nothing secret in it")
  .transform((text) => text.replace(/\/+$/, ""));

/** The machine's own settings: what an installer or MDM decides, never the policy. */
const settings = z.strictObject({
  server,
  root: z.string().startsWith("/", "expected an absolute path"),
  enrolSecretFile: z.string().startsWith("/", "expected an absolute path"),
  /** PEM file with the certificate authority of a server that no public one vouches for. */
  ca: z.string().startsWith("/", "expected an absolute path"),
  groups: z.array(z.string().min(1).max(256)).max(1000),
  /** Between two sweeps; where left out, what suits the machine (observe.ts). */
  sweepSeconds: z.number().min(0.1).max(3600),
  pollSeconds: z.number().min(1).max(86_400),
  enforcement: z.enum(["policy", "observe"]),
  failClosed: z.boolean(),
  /** Whether programs are asked about before they start: everywhere, nowhere, or on some mount points only, to try it out. */
  gate: z.union([
    z.enum(["on", "off"], { error: 'expected "on", "off", or { "mounts": […] }' }),
    z.strictObject({
      mounts: z.array(z.string().startsWith("/", "expected an absolute path")).min(1).max(1000),
      /** Also on the filesystems of other mount namespaces: containers' roots. */
      elsewhere: z.boolean().default(false),
    }),
  ]),
  logLevel: z.enum(["debug", "info", "warn", "error"]),
  state: z.string().startsWith("/", "expected an absolute path"),
  run: z.string().startsWith("/", "expected an absolute path"),
  /** Folders watched for installs instead of the machine's usual ones. */
  roots: z.array(z.string().startsWith("/", "expected an absolute path")).max(1000),
});
const fileSchema = settings.partial();
type Found = z.infer<typeof fileSchema>;
const configSchema = settings.partial({
  server: true,
  root: true,
  enrolSecretFile: true,
  ca: true,
  roots: true,
  sweepSeconds: true,
});
export type Config = Readonly<z.infer<typeof configSchema>>;

/** Where things lie for root, and for everybody else (XDG Base Directory Specification). */
export interface Places {
  /** Later files win. The last is MDM's, and the only one that may say which groups this device is in. */
  readonly files: readonly string[];
  readonly state: string;
  readonly run: string;
  /** The files were named by somebody, and so have to be there. */
  readonly named?: boolean;
}

export function placesFor(uid: number, env: Readonly<Record<string, string | undefined>>): Places {
  const machine = ["/etc/edict/agent.json", "/etc/edict/managed.json"];
  if (uid === 0) return { files: machine, state: "/var/lib/edict", run: "/run/edict" };
  const home = env["HOME"] ?? "/nonexistent";
  return {
    files: [join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "edict/agent.json")],
    state: join(env["XDG_STATE_HOME"] ?? join(home, ".local/state"), "edict"),
    run: join(env["XDG_RUNTIME_DIR"] ?? join(home, ".local/state"), "edict"),
  };
}

/** Every wrong value of every file, each with its file and key. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Bytes; a configuration is a page of text. */
const longest = 1 << 20;

/** The file's text, if nobody but root and we ourselves could have written it, or put it there. */
function readTrusted(file: string): string {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY } = constants;
  const real = join(realpathSync(dirname(file)), basename(file));
  const fd = openSync(real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error("not a plain file");
    const us = process.getuid?.();
    if (us !== undefined && stat.uid !== 0 && stat.uid !== us)
      throw new Error(`belongs to user ${stat.uid}, who is not trusted here`);
    if ((stat.mode & 0o022) !== 0) throw new Error("others can write it: chmod go-w");
    checkParents(real);
    const bytes = Buffer.allocUnsafe(Math.min(stat.size, longest) + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length < bytes.length; length += more)
      more = readSync(fd, bytes, length, bytes.length - length, null);
    if (length === bytes.length) throw new Error(`longer than ${longest} bytes, or still being written`);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

function readSettings(file: string, named: boolean, problems: string[]): Found {
  let text: string;
  try {
    text = readTrusted(file);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ELOOP") problems.push(`${file}: a symbolic link: put the file itself there`);
    else if (named || code !== "ENOENT") problems.push(`${file}: ${describe(error)}`);
    return {};
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    problems.push(`${file}: not JSON`);
    return {};
  }
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (issue.path.length === 0 && issue.code !== "unrecognized_keys") problems.push(`${file}: ${issue.message}`);
    else if (issue.code !== "unrecognized_keys") problems.push(`${file}: ${issue.path.join(".")}: ${issue.message}`);
    else for (const key of issue.keys) problems.push(`${file}: ${key}: unknown key`);
  }
  return {};
}

/**
 * Defaults, then each file in turn. Groups say whose bans are followed, and the signed list may trust MDM's labels with exceptions,
 * so only the last (managed) file, or the only one there is, may name them. @throws ConfigError
 */
export function loadConfig(places: Places): Config {
  const problems: string[] = [];
  let found: Found = {};
  for (const [i, file] of places.files.entries()) {
    const read = readSettings(file, places.named === true, problems);
    if (read.groups !== undefined && i < places.files.length - 1)
      problems.push(`${file}: groups: only ${places.files.at(-1) ?? ""} may say it`);
    found = { ...found, ...read };
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return configSchema.parse({ ...defaults, groups: [], state: places.state, run: places.run, ...found });
}

const defaults = {
  pollSeconds: 60,
  enforcement: "policy",
  failClosed: false,
  gate: "on",
  logLevel: "info",
} as const satisfies Found;
