import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { systemClock } from "#lib/clock.ts";
import { edictAt } from "../cli/edict.ts";
import { install } from "../disguises/install.ts";
import { lacking } from "../needs.ts";
import { decision, versionWithoutNetwork } from "./look.ts";

const home = mkdtempSync(join(tmpdir(), "edict-real-debian-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Tools of an organisation's own, as its policy would write them: Debian 12 has none of the catalog's. */
const cases = [
  { deb: "aria2", program: "/usr/bin/aria2c" },
  { deb: "transmission-cli", program: "/usr/bin/transmission-cli" },
];

test.skipIf(lacking("root") !== undefined).each(cases)(
  "Debian's $deb is known by the database of its package manager, with its version",
  async ({ deb, program }) => {
    install([deb]);
    const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", deb], { encoding: "utf8" });
    const tools = [{ id: deb, name: deb, identities: [{ kind: "package", ecosystem: "deb", id: deb }] }];
    const stages = [{ from: "2026-01-01T00:00:00Z", mode: "block" }];
    const policy = {
      name: "own",
      tools,
      bans: [{ id: "own", tool: deb, reason: "A test.", owner: "a@example.com", stages }],
    };
    const file = join(home, `${deb}.json`);
    writeFileSync(file, JSON.stringify(policy));
    const { out, code } = await edictAt(systemClock.now(), home, "audit", "--policy", file, "--json");
    const schema = z.object({
      findings: z.array(z.looseObject({ tool: z.string(), grade: z.string(), version: z.string().nullable() })),
    });
    const own = schema.parse(JSON.parse(out)).findings.filter(({ tool }) => tool === deb);
    expect(own).toMatchObject([{ grade: "proof", version, ban: { mode: "block" } }]);
    expect(code).toBe(10);
    expect(await decision(deb, program, tools)).toBe("block");
    console.log(`${deb} ${version}: proof, block; --version: ${versionWithoutNetwork(home, program)}`);
  },
);
