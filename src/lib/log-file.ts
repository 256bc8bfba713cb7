import { createLogger, format, transports } from "winston";
import DailyRotateFile from "winston-daily-rotate-file";
import type { Log } from "#lib/log.ts";

/**
 * The agent's own log: JSON lines in `folder`, a file a day, 14 kept, 10 MB each at most, owner-only.
 * With `console` also one line each on standard error, for a person or the service manager's journal.
 */
export function openLog(folder: string, level: string, console: boolean): { log: Log; close(): Promise<void> } {
  const file = new DailyRotateFile({
    dirname: folder,
    filename: "edict-%DATE%.log",
    maxFiles: 14,
    maxSize: "10m",
    auditFile: `${folder}/.rotation.json`,
    options: { flags: "a", mode: 0o600 },
  });
  // A full disk must not take the agent with it: what cannot be logged is not logged.
  file.on("error", () => undefined);
  const plain = format.printf(({ level: l, message, ...all }) => {
    const fields = Object.fromEntries(Object.entries(all).filter(([key]) => key !== "timestamp"));
    const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
    return `${l}: ${typeof message === "string" ? message : ""}${rest}`;
  });
  const logger = createLogger({
    level,
    format: format.combine(format.timestamp(), format.json()),
    transports: [
      file,
      ...(console ? [new transports.Console({ format: plain, stderrLevels: ["error", "warn", "info", "debug"] })] : []),
    ],
  });
  const say = (at: keyof Log) => (text: string, fields?: object) => void logger.log(at, text, fields ?? {});
  return {
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    close: () =>
      new Promise((resolve) => {
        logger.once("finish", resolve);
        logger.end();
      }),
  };
}
