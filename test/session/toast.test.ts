import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { createTeller } from "#notify/tell.ts";
import { selectPlatform } from "#platform/select.ts";
import type { Outcome } from "#policy/outcome.ts";
import { noDesktop, startDesktop } from "../desktop.ts";
import { evidenceOf, verdictOf } from "../verdicts.ts";

const picture = (name: string): string => fileURLToPath(new URL(`../../artefacts/${name}.png`, import.meta.url));

test.skipIf(noDesktop() !== undefined).each([
  ["en", "edict-toast-en", 1, "request"],
  ["zh-CN", "edict-toast-zh", 2, "why"],
] as const)(
  "a person sees the toast on a real desktop, in %s, and what they press comes back",
  async (language, user, button, key) => {
    const folder = mkdtempSync(join(tmpdir(), "edict-toast-"));
    const desktop = await startDesktop({ user, language });
    const platform = await selectPlatform();
    const teller = createTeller({ platform, clock: systemClock, stateFile: join(folder, "toasts.json") });
    try {
      const process = { pid: 7, start: 1, uid: desktop.uid, user, tty: null, argv: ["claude"] };
      const outcome: Outcome = {
        id: "0198",
        at: "2026-07-10T09:00:00Z",
        verdict: verdictOf(),
        evidence: evidenceOf("exec", { process }),
        did: "stopped",
      };
      expect(await teller.tell(outcome)).toEqual({ terminal: { not: "it has no terminal" }, toast: "shown" });
      await desktop.toast();
      desktop.screenshot(picture(`toast-${language}`));
      await desktop.click(button);
      const pressed = [];
      for await (const press of teller.presses(AbortSignal.timeout(20_000))) {
        pressed.push(press);
        break;
      }
      expect(pressed).toEqual([{ person: user, ban: "claude-code", key }]);
    } finally {
      await teller.close();
      await desktop.stop();
      rmSync(folder, { recursive: true });
    }
  },
);
