import { Audit } from "#cli/audit-look.ts";
import { loadCatalog } from "#cli/catalog.ts";
import { systemClock } from "#lib/clock.ts";
import { selectPlatform } from "#platform/select.ts";
import { Readable } from "node:stream";

/** One audit of the folders named, in a process of its own, so that its memory is its own: milliseconds, megabytes and findings as JSON. */
const io = {
  out: () => undefined,
  err: () => undefined,
  stdin: Readable.from([]),
  clock: systemClock,
  env: {},
  cwd: "/",
  isTerminal: false,
  signal: new AbortController().signal,
};
const audit = new Audit({
  platform: await selectPlatform(),
  catalog: await loadCatalog(),
  policy: undefined,
  named: process.argv.slice(2),
  io,
});
const began = performance.now();
const { result } = await audit.run();
const milliseconds = performance.now() - began;
console.log(
  JSON.stringify({ milliseconds, found: result.findings.length, megabytes: process.resourceUsage().maxRSS / 1024 }),
);
