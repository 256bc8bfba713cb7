import { z } from "zod";
import { jsonBounds } from "#lib/pure/json.ts";
import { parseInstant } from "#lib/pure/instant.ts";
import type { Matcher } from "#policy/compile.ts";
import { decide } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import { evidenceSchema } from "#policy/evidence.ts";
import { readDocument } from "#policy/parse.ts";
import { pathText, problemsOf } from "#policy/problem.ts";
import { groupNameSchema, instantSchema } from "#policy/text.ts";
import { modes, type Verdict } from "#policy/verdict.ts";

/** Keys of a device; together they are checked when the case runs. */
const deviceKeys = z.record(z.string(), z.json());

const caseSchema = z.strictObject({
  name: z.string().min(1),
  at: instantSchema.optional(),
  evidence: evidenceSchema,
  /** Keys that differ from the table's device. */
  device: deviceKeys.optional(),
  /** Keys of the verdict; what is left out is not looked at. */
  expect: z.strictObject({
    mode: z.enum(modes),
    ban: z.string().nullable().optional(),
    tool: z.string().nullable().optional(),
    grade: z.enum(["proof", "hint"]).nullable().optional(),
    stage: z.int().nullable().optional(),
    /** Rules that must be named among the reasons. */
    because: z.array(z.string()).optional(),
    /** The replacement's tool. */
    replacement: z.string().nullable().optional(),
    /** Until when the exception holds. */
    exception: z.string().nullable().optional(),
  }),
});

/** A table of evidence and the verdicts that are expected of a policy. */
export const tableSchema = z.strictObject({
  $schema: z.string().optional(),
  /** The policy's file, from this one's folder. */
  policy: z.string(),
  /** Policies of groups beside it, by the group's name: files, from this one's folder. */
  groups: z.record(groupNameSchema, z.string()).optional(),
  /** A folder of catalog files, from this one's folder; the shipped catalog where it is left out. */
  catalog: z.string().optional(),
  at: instantSchema.optional(),
  device: deviceKeys.optional(),
  cases: z.array(caseSchema).min(1),
});
export type CaseTable = z.infer<typeof tableSchema>;
type Case = z.infer<typeof caseSchema>;

/** @throws PolicyError */
export function parseCases(bytes: Uint8Array): CaseTable {
  return readDocument(bytes, tableSchema, { ...jsonBounds, bytes: 16 * 1024 * 1024 });
}

export interface CaseResult {
  readonly name: string;
  /** What differs from what was expected; empty where all is well. */
  readonly wrong: readonly string[];
  readonly verdict: Verdict | undefined;
}

/** Each case's verdict, held against what is expected. */
export function runCases(m: Matcher, table: CaseTable): readonly CaseResult[] {
  return table.cases.map((one) => {
    const read = deviceSchema.safeParse({ ...table.device, ...one.device });
    if (!read.success)
      return {
        name: one.name,
        verdict: undefined,
        wrong: problemsOf(read.error, one.device).map((p) => `device.${pathText(p.path)}: expected ${p.expected}`),
      };
    const device = deviceOf(read.data);
    const at = parseInstant(one.at ?? table.at ?? "1970-01-01T00:00:00Z");
    const verdict = decide(m, one.evidence, at, device);
    return { name: one.name, verdict, wrong: differences(one.expect, verdict) };
  });
}

function differences(expect: Case["expect"], verdict: Verdict): readonly string[] {
  const found: Readonly<Record<string, unknown>> = {
    ...verdict,
    replacement: verdict.replacement?.tool ?? null,
    exception: verdict.exception?.until ?? null,
  };
  const { because = [], ...plain } = expect;
  const named = new Set<string>(verdict.because.map((reason) => reason.rule));
  return [
    ...Object.entries(plain).flatMap(([key, wanted]) =>
      wanted === undefined || wanted === found[key]
        ? []
        : [`${key}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found[key])}`],
    ),
    ...because
      .filter((rule) => !named.has(rule))
      .map((rule) => `because: expected ${rule}, found ${[...named].join(", ")}`),
  ];
}
