import type { AuditRow, Known } from "#cli/audit-rows.ts";
import { purlOf } from "#cli/audit-purl.ts";
import type { AuditResult } from "#cli/audit-table.ts";
import { clean } from "#lib/pure/text.ts";

/** What a bill says besides what was found. */
export interface BillOptions {
  /** A UUID of its own (RFC 9562). */
  readonly serial: string;
  /** Edict's. */
  readonly version: string;
  /** As os-release(5) names it: "debian". */
  readonly distribution: string;
}

/** CycloneDX wants a number between 0 and 1 beside each way something is known; ours are two words, and nothing reckons with these. */
const confidence = { proof: 1, hint: 0.1 } as const;

/** How an identity's kind is called among CycloneDX's techniques of identification. */
const techniques = {
  package: "manifest-analysis",
  extension: "manifest-analysis",
  signer: "attestation",
  hash: "hash-comparison",
  marker: "binary-analysis",
  path: "filename",
  name: "filename",
  config: "other",
} as const satisfies Record<Known["kind"], string>;

const longest = 4_096;

/** An audit as a bill of materials: CycloneDX 1.6, ECMA-424. One component a finding, in the order of the audit. */
export function billOf(result: AuditResult, { serial, version, distribution }: BillOptions): object {
  const { at, findings, policy, looked, containers, unreadable } = result;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    metadata: {
      timestamp: at,
      tools: { components: [{ type: "application", name: "edict", version }] },
      properties: properties({
        policy,
        looked: String(looked),
        unreadable: String(unreadable.count),
        "unreadable:place": unreadable.named.map(({ path, why }) => `${path}: ${why}`),
        "not-entered": containers,
        "not-looked-at": result.never,
      }),
    },
    components: findings.map((finding, i) => componentOf(finding, `${finding.tool}-${i + 1}`, distribution)),
  };
}

function componentOf(finding: AuditRow, ref: string, distribution: string): object {
  const { name, vendor, version, where, container, also, grade, owner, known, ban, tool } = finding;
  const purls = [...new Set(finding.packages.map((seen) => purlOf(seen, distribution)))].filter((p) => p !== undefined);
  const [purl, ...others] = purls;
  const methods = known.map(({ kind, text, grade: weight }) => ({
    technique: techniques[kind],
    confidence: confidence[weight],
    value: clean(text, longest),
  }));
  return {
    type: "application",
    "bom-ref": ref,
    ...(vendor !== null && { publisher: vendor }),
    name,
    ...(version !== null && { version: clean(version, 1024) }),
    ...(purl !== undefined && { purl }),
    evidence: {
      identity: [{ field: purl === undefined ? "name" : "purl", confidence: confidence[grade], methods }],
      occurrences: [where, ...also].map((location) => ({ location: clean(location, longest) })),
    },
    properties: properties({
      tool,
      grade,
      owner,
      container,
      "also-known-as": others,
      "ban:id": ban?.id,
      "ban:mode": ban?.mode,
      "ban:since": ban?.since,
      "ban:instead": ban?.instead,
      "ban:url": ban?.url,
    }),
  };
}

/** Names in a namespace of ours, as the CycloneDX property taxonomy asks for; several of one name where there are several values. */
function properties(
  values: Readonly<Record<string, string | readonly string[] | null | undefined>>,
): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(values).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => ({ name: `edict:${name}`, value: clean(one, longest) })),
  );
}
