import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { z } from "zod";
import { loadCatalog } from "#cli/catalog.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText } from "#observe/raw-path.ts";
import { compile } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { parsePolicy } from "#policy/parse.ts";
import { edictAt } from "../cli/edict.ts";
import { environment } from "./layouts.ts";

/** The shipped catalog, or another one that EDICT_CATALOG names. */
export const catalogFolder = process.env["EDICT_CATALOG"];
export const catalog = await loadCatalog(catalogFolder);

const findingSchema = z.object({
  tool: z.string(),
  version: z.string().nullable(),
  where: z.string(),
  grade: z.enum(["proof", "hint"]),
  known: z.array(z.object({ kind: z.string(), grade: z.string(), text: z.string() })),
});
export type Finding = z.infer<typeof findingSchema>;

/** What `edict audit` says of some folders. */
export async function audit(...folders: readonly string[]): Promise<readonly Finding[]> {
  const named = catalogFolder === undefined ? [] : ["--catalog", catalogFolder];
  const { out, err } = await edictAt(systemClock.now(), "/", "audit", ...folders, "--json", ...named);
  if (out === "") throw new Error(err);
  return z.object({ findings: z.array(findingSchema) }).parse(JSON.parse(out)).findings;
}

/** What the agent would decide about a file that is about to run, under a policy that bans one tool, and by what it says so. */
export async function decision(tool: string, file: string, own: readonly unknown[] = []): Promise<string> {
  const stages = [{ from: "2026-01-01T00:00:00Z", mode: "block" }];
  const ban = { id: "real", tool, reason: "It is a test.", owner: "a@example.com", stages };
  const policy = parsePolicy(Buffer.from(JSON.stringify({ name: "real", bans: [ban], tools: own })));
  const matcher = compile(policy, catalog);
  const dpkg = new DpkgDatabase("/var/lib/dpkg");
  const identifier = new Identifier({ wanted: matcherOfEverything(catalog, policy).wanted, dpkg, clock: systemClock });
  const path = rawFromText(file);
  const found = path === undefined ? undefined : await identifier.file(path);
  if (found === undefined || "unread" in found) return "unread";
  const evidence = identifier.evidence("exec", { file: found.file, seen: found.seen });
  return decide(matcher, evidence, systemClock.now(), deviceOf(deviceSchema.parse({ os: "linux" }))).mode;
}

/** What a tool says to --version where it has no network; the reason where it says nothing. */
export function versionWithoutNetwork(home: string, entry: string): string {
  const script = /^(?:\.[cm]?js|)$/.test(extname(entry)) && readFileSync(entry).subarray(0, 2).toString() === "#!";
  const command = script ? [process.execPath, entry] : [entry];
  try {
    const args = ["--net", "--", ...command, "--version"];
    const options = {
      cwd: home,
      env: environment(home),
      timeout: 60_000,
      killSignal: "SIGKILL",
      encoding: "utf8",
    } as const;
    return (
      execFileSync("/usr/bin/unshare", args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
        .trim()
        .split("\n")[0] ?? ""
    );
  } catch (error) {
    const said = error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : String(error);
    return `(it did not run: ${said.slice(0, 80)})`;
  }
}
