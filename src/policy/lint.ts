import { parseDuration, parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { JsonPath } from "#lib/pure/json-scanner.ts";
import { each, whole, type Pieces } from "#lib/pure/pieces.ts";
import type { Ban, Exception, Policy } from "#policy/ban.ts";
import { approvedBy, compile, type Matcher } from "#policy/compile.ts";
import { seenSchema } from "#policy/evidence.ts";
import { guarded, type Guarded } from "#policy/guarded.ts";
import { shadowOf } from "#policy/shadow.ts";
import { gradeOf, type Catalog } from "#policy/tool.ts";
import { modes } from "#policy/verdict.ts";
import { identityText } from "#policy/words.ts";

/** Something that is allowed and will hurt. */
export interface Finding {
  readonly code:
    | "vital"
    | "interpreter"
    | "stage-order"
    | "stage-falls"
    | "replacement-banned"
    | "replacement-unknown"
    | "replacement-unapproved"
    | "allowed-and-banned"
    | "shadowed"
    | "no-reason"
    | "no-owner"
    | "unknown-tool"
    | "no-proof"
    | "empty-scope"
    | "exception-unknown"
    | "exception-never"
    | "exception-over"
    | "exception-long"
    | "exception-unvouched"
    | "not-counted"
    | "replaces-catalog";
  readonly path: JsonPath;
  readonly ban?: string;
  readonly text: string;
}

export interface LintOptions {
  /** Vital programs of this machine, besides the usual ones. */
  readonly vital?: readonly string[];
  /** Now, where exceptions that are over are to be found. */
  readonly at?: Instant;
  /** Groups that devices.json names: only who is in one of them can have a group's exception. */
  readonly vouched?: ReadonlySet<string>;
}

/** What an author should know before signing. @throws PolicyError where the policy does not compile */
export function lint(policy: Policy, catalog: Catalog, options: LintOptions = {}): readonly Finding[] {
  return whole(lintInPieces(compile(policy, catalog), catalog, options));
}

/** The same of a policy that was compiled with this catalog already. */
export function* lintInPieces(m: Matcher, catalog: Catalog, options: LintOptions = {}): Pieces<readonly Finding[]> {
  const { policy } = m;
  const { vital = [] } = options;
  const found: Finding[] = [];
  const add = (findings: readonly Finding[]): void => {
    for (const finding of findings) found.push(finding);
  };
  const bansOf = new Map<string, Ban[]>();
  yield* each(policy.bans, (ban) => {
    const known = bansOf.get(ban.tool);
    if (known === undefined) bansOf.set(ban.tool, [ban]);
    else known.push(ban);
  });
  const approved = approvedBy(policy);
  yield;
  yield* each(
    policy.bans.entries(),
    ([i, ban]) => {
      add(banFindings(ban, i, m, bansOf, approved));
      add(stageFindings(ban, i));
      add(shadowFindings(ban, i, bansOf.get(ban.tool) ?? [], policy));
    },
    together,
  );
  add(guardedFindings(policy, m, [...guarded, ...vital.map((path) => ({ path, is: "vital" as const }))]));
  for (const [i, tool] of policy.allow.entries())
    if (bansOf.has(tool))
      add([
        {
          code: "allowed-and-banned",
          path: ["allow", i],
          text: `${tool} is allowed here and banned above: what is allowed goes first`,
        },
      ]);
  yield* each(policy.exceptions.entries(), ([i, exception]) => add(exceptionFindings(exception, i, m, options)));
  const inCatalog = new Set(catalog.tools.map((tool) => tool.id));
  yield* each(policy.tools.entries(), ([i, { id }]) => {
    const text = `${id} takes the place of the catalog's tool of that id, with all its identities`;
    if (inCatalog.has(id)) add([{ code: "replaces-catalog", path: ["tools", i, "id"], text }]);
  });
  return found;
}

/** Bans that are looked at in one piece: each is held beside up to a hundred others. */
const together = 500;

function banFindings(
  ban: Ban,
  i: number,
  m: Matcher,
  banned: ReadonlyMap<string, unknown>,
  approved: ReadonlySet<string>,
): Finding[] {
  const path = ["bans", i];
  const found: Finding[] = [];
  const add = (code: Finding["code"], at: JsonPath, text: string): void =>
    void found.push({ code, path: at, ban: ban.id, text });
  if (ban.reason === undefined) add("no-reason", path, "no reason: a person who is stopped will ask for one");
  if (ban.owner === undefined) add("no-owner", path, "no owner: nobody to ask about this ban");
  const tool = m.tool(ban.tool);
  if (tool === undefined)
    add("unknown-tool", [...path, "tool"], `no tool ${ban.tool} in the catalog or under tools: nothing will match`);
  else if (
    !tool.identities.some((identity) => gradeOf(identity) === "proof") &&
    ban.stages.some((s) => rank(s.mode) > rank("notify"))
  )
    add("no-proof", [...path, "tool"], `${tool.id} has hints only: this ban never goes further than notify`);
  const { replacement, scope, group } = ban;
  if (replacement !== undefined && group !== undefined && !approved.has(replacement.tool))
    add(
      "replacement-unapproved",
      [...path, "replacement", "tool"],
      `${replacement.tool} is approved by nothing in the base policy, and a group's replacement approves nothing`,
    );
  else if (replacement !== undefined && banned.has(replacement.tool))
    add(
      "replacement-banned",
      [...path, "replacement", "tool"],
      `${replacement.tool} is itself banned; being a replacement it is approved, and that ban does nothing`,
    );
  if (replacement !== undefined && m.tool(replacement.tool) === undefined)
    add(
      "replacement-unknown",
      [...path, "replacement", "tool"],
      `no tool ${replacement.tool} in the catalog or under tools: it cannot be recognised as approved`,
    );
  if (scope?.groups?.length === 0) add("empty-scope", [...path, "scope", "groups"], "no group: this ban is for nobody");
  if (scope?.os?.length === 0) add("empty-scope", [...path, "scope", "os"], "no system: this ban is for nobody");
  if (scope?.percent === 0) add("empty-scope", [...path, "scope", "percent"], "0 %: this ban is for nobody");
  return found;
}

function rank(mode: (typeof modes)[number]): number {
  return modes.indexOf(mode);
}

function stageFindings({ id, stages }: Ban, i: number): Finding[] {
  return stages.flatMap((stage, s): Finding[] => {
    const before = stages[s - 1];
    if (before === undefined) return [];
    const path = ["bans", i, "stages", s];
    if (parseInstant(stage.from) <= parseInstant(before.from))
      return [
        {
          code: "stage-order",
          path: [...path, "from"],
          ban: id,
          text: `${stage.from} is not after the stage before it, ${before.from}`,
        },
      ];
    if (rank(stage.mode) < rank(before.mode))
      return [
        {
          code: "stage-falls",
          path: [...path, "mode"],
          ban: id,
          text: `${stage.mode} is milder than ${before.mode} before it`,
        },
      ];
    return [];
  });
}

function shadowFindings(ban: Ban, i: number, ofTool: readonly Ban[], policy: Policy): Finding[] {
  const shadow = shadowOf(ban, ofTool, policy);
  if (shadow === undefined) return [];
  return [
    {
      code: "shadowed",
      path: ["bans", i],
      ban: ban.id,
      text: `${shadow.id} is always at least as strict, for everybody this ban is for: it never decides anything`,
    },
  ];
}

/** Asks the compiled policy what it would make of the programs that a machine or its people cannot do without. */
function guardedFindings(policy: Policy, m: Matcher, programs: readonly Guarded[]): Finding[] {
  const indexes = new Map(policy.bans.map((ban, i) => [ban.id, i]));
  const found = new Map<string, Finding>();
  for (const { path, deb, is } of programs) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const seen = seenSchema.parse({
      path: { value: [path] },
      name: { value: [name] },
      ...(deb !== undefined && { package: { value: [{ ecosystem: "deb", id: deb }] } }),
    });
    for (const { target, identity } of m.claims(seen, "linux"))
      for (const { ban } of target.bans) {
        const outcome =
          is === "vital" ? "it is vital and no ban stops it" : "it is an interpreter, and much else runs on it";
        const text = `${target.tool.name} is also ${path}, by ${identityText(identity)}: ${outcome}`;
        const key = `${ban.id} ${is} ${name}`;
        if (!found.has(key))
          found.set(key, { code: is, path: ["bans", indexes.get(ban.id) ?? 0, "tool"], ban: ban.id, text });
      }
  }
  return [...found.values()];
}

function exceptionFindings(exception: Exception, i: number, m: Matcher, { at, vouched }: LintOptions): Finding[] {
  const path = ["exceptions", i];
  const { ban: id, until, granted, group } = exception;
  const ban = m.ban(id);
  if (ban === undefined)
    return [{ code: "exception-unknown", path: [...path, "ban"], text: `no ban ${id} in this policy` }];
  if (ban.exceptions === "never")
    return [{ code: "exception-never", path, ban: id, text: `${id} allows no exceptions: this one does nothing` }];
  if (at !== undefined && parseInstant(until) <= at)
    return [{ code: "exception-over", path: [...path, "until"], ban: id, text: `it was over on ${until}` }];
  if (group !== undefined && vouched?.has(group) !== true)
    return [
      {
        code: "exception-unvouched",
        path: [...path, "group"],
        ban: id,
        text: `no devices.json says who is in the group ${group}: nobody has this exception`,
      },
    ];
  const max = ban.exceptions?.max;
  if (granted !== undefined && max !== undefined && parseInstant(until) > parseInstant(granted) + parseDuration(max))
    return [
      {
        code: "exception-long",
        path: [...path, "until"],
        ban: id,
        text: `${id} allows ${max} from ${granted}: it ends before ${until}`,
      },
    ];
  return [];
}
