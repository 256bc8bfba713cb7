import { z } from "zod";
import {
  banSchema,
  exceptionSchema,
  limitsSchema,
  type Ban,
  type Disabled,
  type Exception,
  type Limits,
  type Policy,
} from "#policy/ban.ts";
import { pathText, problemsOf, type Problem } from "#policy/problem.ts";
import { idSchema } from "#policy/text.ts";
import { catalogToolSchema, identitySchema, toolSchema, type Tool } from "#policy/tool.ts";

/**
 * How a device reads a policy or a catalog that is newer than itself. A ban with an unknown key or value is disabled: a scope
 * that is not understood would widen it. Elsewhere unknown keys are ignored; where ignoring one would change what an entry
 * matches or allows (an identity, an exception), the entry is left out as a whole.
 */

type NewerPolicy = Omit<Policy, "formatVersion">;
interface Wrong {
  readonly problem: Problem;
}

const envelope = z.object({ name: z.string(), bans: z.array(z.unknown()) });
const wrong = (error: z.ZodError, value: unknown): Wrong => ({
  problem: problemsOf(error, value)[0] ?? { path: [], expected: "a policy", found: "something else" },
});

/** The parts of a newer policy that are understood, and a list of those that are not. */
export function readNewerPolicy(value: unknown): NewerPolicy | Wrong {
  const outer = envelope.safeParse(value);
  if (!outer.success) return wrong(outer.error, value);
  const members = new Map(Object.entries(Object(value)));
  const ignored: Disabled[] = [];
  const disabled: (Disabled & { ban: string | null })[] = [];
  const bans: Ban[] = [];
  for (const [i, raw] of outer.data.bans.entries()) {
    const ban = banSchema.safeParse(raw);
    if (ban.success) bans.push(ban.data);
    else disabled.push({ ban: idOf(raw), path: `bans[${i}]`, why: whyOf(ban.error, raw) });
  }
  return {
    name: outer.data.name,
    bans,
    tools: readTools(members.get("tools"), toolSchema, ignored),
    allow: readEach<string>(members.get("allow"), "allow", idSchema, ignored),
    allowEmpty: members.get("allowEmpty") === true,
    exceptions: readEach<Exception>(members.get("exceptions"), "exceptions", exceptionSchema, ignored),
    limits: readLimits(members.get("limits"), ignored),
    disabled,
    ignored,
  };
}

/** The tools of a newer catalog that are understood, and a list of what is not. */
export function readNewerCatalog(
  value: unknown,
): { readonly tools: readonly Tool[]; readonly ignored: readonly Disabled[] } | Wrong {
  const outer = z.object({ tools: z.array(z.unknown()) }).safeParse(value);
  if (!outer.success) return wrong(outer.error, value);
  const ignored: Disabled[] = [];
  return { tools: readTools(outer.data.tools, catalogToolSchema, ignored), ignored };
}

function idOf(raw: unknown): string | null {
  const read = z.object({ id: z.string() }).safeParse(raw);
  return read.success ? read.data.id : null;
}

function whyOf(error: z.ZodError, raw: unknown): string {
  const [first] = problemsOf(error, raw);
  return first === undefined ? "" : `${pathText(first.path)}: expected ${first.expected}, found ${first.found}`;
}

export function readEach<T>(list: unknown, path: string, schema: z.ZodType<T>, ignored: Disabled[]): readonly T[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    ignored.push({ path, why: "expected a list" });
    return [];
  }
  const kept: T[] = [];
  for (const [i, raw] of list.entries()) {
    const read = schema.safeParse(raw);
    if (read.success) kept.push(read.data);
    else ignored.push({ path: `${path}[${i}]`, why: whyOf(read.error, raw) });
  }
  return kept;
}

const looseTool = z.object({ ...toolSchema.shape, identities: z.array(z.unknown()) });

function readTools(list: unknown, schema: z.ZodType<Tool>, ignored: Disabled[]): readonly Tool[] {
  const kept: Tool[] = [];
  for (const [i, raw] of (Array.isArray(list) ? list : []).entries()) {
    const strict = schema.safeParse(raw);
    if (strict.success) {
      kept.push(strict.data);
      continue;
    }
    ignored.push({ path: `tools[${i}]`, why: whyOf(strict.error, raw) });
    const loose = looseTool.safeParse(raw);
    if (!loose.success) continue;
    const identities = readEach(loose.data.identities, `tools[${i}].identities`, identitySchema, ignored);
    const again = schema.safeParse({ ...loose.data, identities });
    if (again.success) kept.push(again.data);
  }
  return kept;
}

function readLimits(raw: unknown, ignored: Disabled[]): Limits {
  const strict = limitsSchema.safeParse(raw ?? {});
  if (strict.success) return strict.data;
  ignored.push({ path: "limits", why: whyOf(strict.error, raw) });
  const known = z.object(limitsSchema.shape).safeParse(raw);
  return known.success ? known.data : limitsSchema.parse({});
}
