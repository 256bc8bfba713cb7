import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { GatePlace } from "./place.ts";

/** In a mount namespace of its own, on a filesystem that nobody else sees: copies a program there and runs it for each line. */
const script = `mount -t tmpfs private "$1" && cp "$0" "$1/x" && while echo ready && read -r _; do "$1/x" 2>/dev/null; echo "$?"; done`;

describe.skipIf(lacking("root"))("a program in another mount namespace", () => {
  let place: GatePlace;
  beforeAll(async () => {
    place = await GatePlace.open({ elsewhere: true });
  });
  afterAll(() => place.close());

  test.each([true, false])("is asked about once somebody was seen there (banned: %s)", async (banned) => {
    const program = place.add(`elsewhere-${banned}`, { banned });
    const shell = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", script, program, "/mnt"]);
    const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    const start = async (): Promise<unknown> => {
      expect(await next()).toBe("ready");
      shell.stdin.write("go\n");
      return next();
    };
    expect(await start()).toBe("0"); // the first is the exec stream's
    const { pid } = shell;
    if (pid === undefined) throw new Error("no shell");
    place.keeper.foreign(pid, "0:0");
    const { asked } = await place.counts();
    expect(await start()).toBe(banned ? "126" : "0");
    expect((await place.counts()).asked).toBe(asked + 1);
    shell.stdin.end();
    await once(shell, "exit");
  });
});
