import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { PackageURL } from "packageurl-js";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseInstant } from "#lib/pure/instant.ts";
import { billOf } from "#cli/audit-cyclonedx.ts";
import { auditPage } from "#cli/audit-html.ts";
import { purlOf } from "#cli/audit-purl.ts";
import type { AuditRow } from "#cli/audit-rows.ts";
import type { AuditResult } from "#cli/audit-table.ts";
import { edictAt } from "./edict.ts";
import { folder, npmTool } from "../observe/place.ts";

const at = parseInstant("2026-07-11T00:00:00Z");
const hostile = "</style><script>alert(1)</script>\"'&\u202e\u001b[2J";

function finding(parts: Partial<AuditRow> = {}): AuditRow {
  return {
    tool: "claude-code",
    name: "Claude Code",
    vendor: "Anthropic",
    version: "2.1.197",
    where: "/home/ann/lib/node_modules/@anthropic-ai/claude-code",
    container: null,
    also: [],
    owner: "ann",
    grade: "proof",
    known: [{ kind: "package", grade: "proof", text: "the npm package @anthropic-ai/claude-code" }],
    packages: [{ ecosystem: "npm", id: "@anthropic-ai/claude-code", version: "2.1.197" }],
    ban: null,
    ...parts,
  };
}

function resultOf(...findings: readonly AuditRow[]): AuditResult {
  const unreadable = { count: 1, named: [{ path: `/home/bob/${hostile}`, why: "not permitted" }] };
  const missed = { containers: [`/${hostile}/docker/overlay2`], unreadable };
  return { at: "2026-07-11T00:00:00Z", policy: hostile, findings, looked: 7, ...missed, never: ["shell history"] };
}

const ban = { id: "b", mode: "block", since: "2026-07-10T00:00:00Z", instead: "qoder", insteadName: hostile } as const;
const hostileFinding = finding({
  name: hostile,
  version: hostile,
  where: `/${hostile}`,
  container: "docker",
  also: [`/other/${hostile}`],
  owner: hostile,
  known: [{ kind: "name", grade: "hint", text: hostile }],
  grade: "hint",
  packages: [{ ecosystem: "cask", id: hostile }],
  ban: { ...ban, url: `https://x.example/"><b>` },
});

/** CycloneDX's own schema, as its library carries it; the formats are those it asks for. */
function validator() {
  const require = createRequire(import.meta.url);
  const schemas = join(dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");
  const load = (name: string): object =>
    JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;
  const formats = {
    "date-time": (text: string) => !Number.isNaN(Date.parse(text)),
    "idn-email": true,
    uri: true,
  } as const;
  const ajv = new Ajv({ strict: false, formats: { ...formats, "iri-reference": true, iri: true } });
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
    ajv.addSchema(load(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.compile(load("bom-1.6"));
}

test("an audit as CycloneDX is what its schema asks for, whatever files are called", async () => {
  const home = folder();
  npmTool(home, "@anthropic-ai/claude-code", "2.1.197");
  const { code, out } = await edictAt(at, home, "audit", home, "--format", "cyclonedx");
  expect(code).toBe(0);
  const validate = validator();
  const bill = z.looseObject({ components: z.array(z.looseObject({})) }).parse(JSON.parse(out));
  expect([validate(bill), validate.errors]).toEqual([true, null]);
  expect(bill.components).toEqual([
    expect.objectContaining({
      type: "application",
      name: "Claude Code",
      version: "2.1.197",
      purl: "pkg:npm/%40anthropic-ai/claude-code@2.1.197",
    }),
  ]);
  const options = { serial: "01980000-0000-7000-8000-000000000000", version: "0", distribution: "debian" };
  const worst = billOf(resultOf(hostileFinding, hostileFinding, finding({ version: null, packages: [] })), options);
  expect([validate(worst), validate.errors]).toEqual([true, null]);
  expect(worst).toMatchObject({
    metadata: {
      properties: expect.arrayContaining([
        { name: "edict:unreadable", value: "1" },
        { name: "edict:unreadable:place", value: expect.stringMatching(/^\/home\/bob.*: not permitted$/) as string },
      ]) as unknown,
    },
  });
  expect(validate({ ...worst, bomFormat: "SPDX" })).toBe(false);
});

test("a package URL is right for each ecosystem that has a type, and is none for the others", () => {
  const cases: readonly (readonly [ecosystem: string, id: string, purl: string | undefined])[] = [
    ["npm", "@scope/name", "pkg:npm/%40scope/name@1.0"],
    ["npm", "cline", "pkg:npm/cline@1.0"],
    ["pypi", "Aider_Chat", "pkg:pypi/aider-chat@1.0"],
    ["deb", "warp", "pkg:deb/debian/warp@1.0"],
    ["rpm", "warp", "pkg:rpm/debian/warp@1.0"],
    ["cargo", "goose-cli", "pkg:cargo/goose-cli@1.0"],
    ["go", "github.com/charmbracelet/crush", "pkg:golang/github.com/charmbracelet/crush@1.0"],
    ["brew", "codex", undefined],
    ["winget", "Anthropic.ClaudeCode", undefined],
    ["npm", "", undefined],
  ];
  for (const [ecosystem, id, purl] of cases)
    expect([id, purlOf({ ecosystem, id, version: "1.0" }, "debian")]).toEqual([id, purl]);
  expect(purlOf({ host: "vscode", id: "anthropic.claude-code", version: "1.0" }, "")).toBe(
    "pkg:vscode-extension/anthropic/claude-code@1.0",
  );
  expect(purlOf({ host: "jetbrains", id: "27310" }, "")).toBeUndefined();
  const given = cases.flatMap(([, , purl]) => purl ?? []);
  expect(given.map((purl) => PackageURL.fromString(purl).toString())).toEqual(given);
});

test("an audit as a page needs nothing beside it, runs nothing, and shows strangers' text as text", () => {
  const page = auditPage(resultOf(hostileFinding, finding()), hostile);
  expect(page).toContain('<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;');
  for (const evil of ["<script", "alert(1)</", "\u202e", "\u001b", "<b>"]) expect(page).not.toContain(evil);
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  expect(page).toContain(`sha256-${createHash("sha256").update(style).digest("base64")}`);
  expect(page).toContain("&lt;/style&gt;&lt;script&gt;alert(1)");
  expect(page.match(/<(?:link|img|iframe|object|embed|form|base)\b|@import|url\(|\bon\w+=/gi)).toBeNull();
  for (const heading of ["Tool", "Version", "Banned since", "Instead", "Installed by", "How it is known", "Where"])
    expect(page).toContain(`<th scope="col">${heading}</th>`);
  expect(page).toContain('role="region" aria-labelledby="found" tabindex="0"'); // what scrolls can be scrolled with keys
  expect(page).toContain('<caption id="found">');
  expect(page).toContain("<li>shell history</li>");
  expect(page).toContain("not permitted");
});

test("a page counts what is banned apart from what is only observed", () => {
  const seen = { ...ban, url: null };
  const page = auditPage(
    resultOf(finding({ ban: seen }), finding({ ban: { ...seen, mode: "observe" } }), finding()),
    "h",
  );
  expect([...page.matchAll(/<dd[^>]*>(\d+)/g)].slice(0, 3).map(([, count]) => count)).toEqual(["1", "1", "3"]);
  expect([...page.matchAll(/<tr class="(\w+)"/g)].map(([, is]) => is)).toEqual(["banned", "observed", "free"]);
});

test("a page links what to use instead only where that is https", () => {
  const linked = auditPage(
    resultOf(finding({ ban: { ...ban, insteadName: "Qoder", url: "https://q.example/" } })),
    "h",
  );
  expect(linked).toContain('<a href="https://q.example/" rel="noreferrer">Qoder</a>');
  const plain = auditPage(
    resultOf(finding({ ban: { ...ban, insteadName: "Qoder", url: "javascript:alert(1)" } })),
    "h",
  );
  expect(plain).not.toContain("<a ");
});
