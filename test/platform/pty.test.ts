import { expect, test } from "vitest";
import { selectPlatform } from "#platform/select.ts";

test("a program in a terminal of its own shows what it writes, and that terminal is its controlling one", async () => {
  const platform = await selectPlatform();
  let screen = "";
  const said = Promise.withResolvers<undefined>();
  const run = platform.runInTerminal("/bin/sh", ["-c", "tty; read answer < /dev/tty; exit 7"], {
    onOutput: (text) => {
      screen += text;
      if (screen.includes("/dev/pts/")) said.resolve(undefined);
    },
  });
  await said.promise;
  const detail = await platform.inspect(run.pid);
  expect(detail?.process.tty).toBe(screen.trim());
  expect(detail?.process.session).toBe(run.pid);
  run.stop();
  expect(await run.ended).toBe("SIGTERM");
});
