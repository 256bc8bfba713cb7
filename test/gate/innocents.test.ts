import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadCatalog } from "#cli/catalog.ts";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import type { Claim } from "#policy/claim.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { parsePolicy } from "#policy/parse.ts";
import { modes, type Mode } from "#policy/verdict.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { AskedGate } from "./asked.ts";
import { namesakes, popular, type Bin } from "./bins.ts";

const device = deviceOf(deviceSchema.parse({ id: "innocent" }));

/** What became of one program: the gate's answer, and the verdict on everything that the agent can read of it. */
interface Asked {
  readonly path: string;
  readonly denied: boolean;
  /** The verdict's mode: warn and whatever is stricter is more than a hint may bring about. */
  readonly mode: Mode;
  readonly claims: readonly Claim[];
}

/** Every tool of the catalog banned as strictly as can be, and nothing approved. */
async function everythingBanned() {
  const catalog = await loadCatalog();
  const bans = catalog.tools.map(({ id }) => ({
    id,
    tool: id,
    reason: "every tool is banned",
    owner: "security@example.com",
    stages: [{ from: "2020-01-01T00:00:00Z", mode: "block" }],
    strict: true,
  }));
  const policy = parsePolicy(Buffer.from(JSON.stringify({ name: "everything", bans })));
  const matcher = compile(policy, catalog);
  const clock = systemClock;
  const dpkg = new DpkgDatabase("/var/lib/dpkg");
  const identifier = new Identifier({ wanted: matcher.wanted, dpkg, clock });
  const gate = new AskedGate({ matcher, device, clock, identifier });
  const ask = async (path: string): Promise<Asked | { readonly unread: string }> => {
    const raw = rawFromText(path);
    const found = raw === undefined ? { unread: "no path" } : await identifier.file(raw);
    if ("unread" in found) return found;
    const { answer } = await gate.answer(path);
    const verdict = decide(
      matcher,
      identifier.evidence("exec", { file: found.file, seen: found.seen }),
      clock.now(),
      device,
    );
    const claims = matcher.claims(found.seen, "linux");
    return { path, denied: answer === "deny", mode: verdict.mode, claims };
  };
  return { tools: catalog.tools.length, gate, ask };
}

/** One line for each, such as "/usr/bin/zed: Zed, name". */
function lines(asked: readonly Asked[]): readonly string[] {
  return asked.map(({ path, claims }) => `${path}: ${claims.map((claim) => claim.reason.text).join(", ")}`);
}

/** Prints what the issue asks for. */
function report(what: string, asked: readonly Asked[], more: string): void {
  const hints = asked.filter(({ claims }) => claims.length > 0 && claims.every(({ proves }) => !proves));
  const wrong = asked.filter(isWrong);
  console.warn(
    [`${asked.length} ${what}: ${wrong.length} false positives, ${hints.length} hints; ${more}`, ...lines(hints)].join(
      "\n  ",
    ),
  );
}

/** Stopped or proven, and not by a package that says that it is the tool: that one is really here. */
function isWrong(asked: Asked): boolean {
  const here = asked.claims.some(({ proves, identity }) => proves && identity.kind === "package");
  return !here && isTaken(asked);
}

function isTaken({ denied, mode, claims }: Asked): boolean {
  return denied || modes.indexOf(mode) >= modes.indexOf("warn") || claims.some(({ proves }) => proves);
}

function isProgram(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}

describe("with every tool of the catalog banned", () => {
  test("no program of this machine is stopped, or taken for one of them", async () => {
    const { gate, ask, tools } = await everythingBanned();
    const paths = ["/usr/bin", "/usr/sbin"].flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)));
    const asked: Asked[] = [];
    const unread: string[] = [];
    for (const path of paths.filter(isProgram)) {
      const one = await ask(path);
      if ("unread" in one) unread.push(path);
      else asked.push(one);
    }
    report(
      "programs of /usr/bin and /usr/sbin",
      asked,
      `${tools} tools, ${gate.owners} owners asked, ${unread.length} unread`,
    );
    expect(lines(asked.filter(isWrong))).toEqual([]);
    // The floor under the test itself: a machine has this many, and what it is asked is read.
    expect(asked.length).toBeGreaterThan(200);
    expect(unread.length).toBeLessThan(asked.length / 10);
  });

  test("no program of 200 npm packages is stopped, or taken for one of them, whatever it is called", async () => {
    const { ask } = await everythingBanned();
    const folder = await temporaryFolder();
    const bins = [...popular, ...namesakes];
    const asked: Asked[] = [];
    for (const bin of bins) {
      const path = install(folder, bin);
      const one = await ask(path);
      if ("unread" in one) throw new Error(`${path}: ${one.unread}`);
      asked.push(one);
    }
    report("programs of npm packages", asked, `${namesakes.length} of them called like a banned tool`);
    expect(new Set(popular.map(({ name }) => name)).size).toBeGreaterThanOrEqual(200);
    expect(lines(asked.filter(isTaken))).toEqual([]);
  });

  test("the same gate denies a package that is a banned tool, and what carries a tool's marker", async () => {
    const { ask } = await everythingBanned();
    const folder = await temporaryFolder();
    const claude = await ask(install(folder, { name: "claude", package: "@anthropic-ai/claude-code" }));
    expect(claude).toMatchObject({ denied: true, mode: "block" });
    const catalog = await loadCatalog();
    const marker = catalog.tools
      .flatMap(({ identities }) => identities)
      .find((identity) => identity.kind === "marker" && identity.where === "anywhere");
    if (marker?.kind !== "marker") throw new Error("the catalog has no marker");
    const path = join(folder, "renamed");
    writeFileSync(path, Buffer.concat([Buffer.alloc(10_000, "x"), Buffer.from(marker.bytes, marker.encoding)]));
    chmodSync(path, 0o755);
    expect(await ask(path)).toMatchObject({ denied: true, mode: "block" });
  });
});

/** A package as npm lays it out, whose text names every tool there is: to speak of one is not to be it. */
function install(folder: string, { name, package: id }: Bin): string {
  const home = join(folder, "node_modules", id);
  const link = join(folder, "node_modules/.bin", name);
  mkdirSync(home, { recursive: true });
  mkdirSync(dirname(link), { recursive: true });
  const manifest = {
    name: id,
    version: "1.0.0",
    bin: { [name]: "cli.js" },
    dependencies: { "@anthropic-ai/sdk": "*" },
  };
  writeFileSync(join(home, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(home, "cli.js"),
    "#!/usr/bin/env node\n// Works with Claude Code, Codex, Cursor, Gemini CLI, Qoder, OpenCode, Cline, Aider and Amp.\n",
  );
  chmodSync(join(home, "cli.js"), 0o755);
  try {
    symlinkSync(join("..", id, "cli.js"), link);
  } catch {
    // two programs of one name: the first one stays, as with npm
  }
  return link;
}
