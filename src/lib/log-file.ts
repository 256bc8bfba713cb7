import { EventEmitter } from "node:events";
import { createLogger, format, transports } from "winston";
import DailyRotateFile from "winston-daily-rotate-file";
import type { Log } from "#lib/log.ts";

/** Milliseconds after which a log file that could not be written is tried again; and that its end may take. */
const [again, patience] = [60_000, 1_000];

/**
 * The agent's own log: JSON lines in `folder`, a file a day, 14 kept, 10 MB each at most, owner-only.
 * With `console` also one line each on standard error, for a person or the service manager's journal.
 * A full disk must not take the agent with it: what cannot be logged is not logged, and tried again a minute later.
 */
export function openLog(folder: string, level: string, console: boolean): { log: Log; close(): Promise<void> } {
  const plain = format.printf(({ level: l, message, ...all }) => {
    const fields = Object.fromEntries(Object.entries(all).filter(([key]) => key !== "timestamp"));
    const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
    return `${l}: ${typeof message === "string" ? message : ""}${rest}`;
  });
  const logger = createLogger({
    level,
    format: format.combine(format.timestamp(), format.json()),
    // winston complains on standard error where it has no transport at all.
    transports: console
      ? [new transports.Console({ format: plain, stderrLevels: ["error", "warn", "info", "debug"] })]
      : [new transports.Console({ silent: true })],
  });
  let file: DailyRotateFile | undefined;
  let retry = -Infinity;
  const failed = (): void => {
    if (file !== undefined) logger.remove(file);
    file = undefined;
    retry = performance.now() + again;
  };
  const open = (): void => {
    try {
      file = openFile(folder, failed);
      logger.add(file);
    } catch {
      failed();
    }
  };
  const say = (at: keyof Log) => (text: string, fields?: object) => {
    if (file === undefined && performance.now() >= retry) open();
    logger.log(at, text, fields ?? {});
  };
  return {
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    close: () =>
      new Promise((resolve) => {
        // What was destroyed by an error never says that it has finished.
        const late = setTimeout(resolve, patience);
        logger.once("finish", () => {
          clearTimeout(late);
          resolve();
        });
        logger.end();
      }),
  };
}

function openFile(folder: string, failed: () => void): DailyRotateFile {
  const file = new DailyRotateFile({
    dirname: folder,
    filename: "edict-%DATE%.log",
    maxFiles: 14,
    maxSize: "10m",
    auditFile: `${folder}/.rotation.json`,
    options: { flags: "a", mode: 0o600 },
  });
  file.on("error", failed);
  // The stream behind it says its errors to itself alone, where nobody listens: that would end the process.
  const stream: unknown = Reflect.get(file, "logStream");
  if (stream instanceof EventEmitter) stream.on("error", failed);
  return file;
}
