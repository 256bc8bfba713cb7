import { Listr, ListrLogger, ProcessOutput } from "listr2";

/** Milliseconds between two pictures. */
const beat = 100;

/**
 * Does the work behind a live line on a terminal, which is gone when it is done.
 * @param progress one line; asked for a few times a second
 */
export async function watched<T>(
  terminal: NodeJS.WriteStream,
  work: () => Promise<T>,
  progress: () => string,
): Promise<T> {
  let done: { readonly value: T } | undefined;
  const logger = new ListrLogger({ processOutput: new ProcessOutput(terminal, terminal) });
  const look = {
    title: "Looking for tools",
    task: async (_: unknown, task: { output: string }): Promise<void> => {
      const draw = (): void => void (task.output = progress());
      const timer = setInterval(draw, beat);
      try {
        done = { value: await work() };
      } finally {
        clearInterval(timer);
        draw();
      }
    },
  };
  await new Listr([look], { registerSignalListeners: false, rendererOptions: { logger, clearOutput: true } }).run();
  if (done === undefined) throw new Error("a task that ended without its work");
  return done.value;
}
