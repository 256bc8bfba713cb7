import { schedule, validate } from "node-cron";

/**
 * Runs `work` at the times of a cron expression (crontab(5), local time) until aborted. A run that is still going on when
 * the next is due is left to finish. @throws RangeError where the expression is none
 */
export function runAt(expression: string, work: () => Promise<void>, signal: AbortSignal): void {
  if (!validate(expression)) throw new RangeError(`"${expression}" is not a cron expression`);
  if (signal.aborted) return;
  const task = schedule(expression, work, { noOverlap: true });
  signal.addEventListener("abort", () => void task.destroy(), { once: true });
}
