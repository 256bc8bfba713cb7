import type { z } from "zod";
import type { JsonPath } from "#lib/pure/json-scanner.ts";

/** One thing that is wrong in a document, and where. */
export interface Problem {
  readonly path: JsonPath;
  readonly expected: string;
  readonly found: string;
}

/** bans[3].stages[0].from; "the document" for the whole. */
export function pathText(path: JsonPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text === "" ? "the document" : text;
}

/** What a value looks like, in a few words. */
export function foundText(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean" && value !== null)
    return typeof value;
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** zod's issues in our words: JSON path, what was expected, what was found. */
export function problemsOf(error: z.ZodError, document: unknown): readonly Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, document, []));
}

type Issue = z.core.$ZodIssue;

function problemsOfIssue(issue: Issue, document: unknown, base: JsonPath): readonly Problem[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === "symbol" ? step.toString() : step))];
  const found = foundText(valueAt(document, path));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        expected: "only known keys",
        found: `the key ${JSON.stringify(key)}`,
      }));
    case "invalid_union":
      return problemsOfUnion(issue, document, path);
    case "invalid_key":
      return [{ path, expected: own(issue.issues[0]?.message) ?? "another key", found: foundText(path.at(-1)) }];
    case "invalid_type":
      return [{ path, expected: own(issue.message) ?? typeWords[issue.expected] ?? issue.expected, found }];
    case "invalid_value":
      return [{ path, expected: oneOf(issue.values.map((value) => foundText(value))), found }];
    case "too_small":
      return [{ path, expected: own(issue.message) ?? `at least ${issue.minimum}${unit(issue.origin)}`, found }];
    case "too_big":
      return [{ path, expected: own(issue.message) ?? `at most ${issue.maximum}${unit(issue.origin)}`, found }];
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
    case "custom":
      return [{ path, expected: own(issue.message) ?? "something else", found }];
    default:
      return issue satisfies never;
  }
}

/** The branch that was meant: the one whose complaint lies deepest, or all of them joined. */
function problemsOfUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  document: unknown,
  path: JsonPath,
): readonly Problem[] {
  const found = foundText(valueAt(document, path));
  if (issue.errors.length === 0) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map((o) => foundText(o)) : [];
    return [{ path, expected: options.length > 0 ? oneOf(options) : "a known value", found }];
  }
  const branches = issue.errors.map((issues) => issues.flatMap((inner) => problemsOfIssue(inner, document, path)));
  const deep = branches.find((problems) => problems.every((p) => p.path.length > path.length));
  if (deep !== undefined && deep.length > 0) return deep;
  const all = branches.flatMap((problems) => problems.slice(0, 1).map((p) => p.expected));
  return [{ path, expected: [...new Set(all)].join(" or "), found }];
}

const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** Our own words, unless zod's default message is all there is. */
function own(message: string | undefined): string | undefined {
  return message === undefined || /^(?:Invalid|Too |Unrecognized)/.test(message) ? undefined : message;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? "") : `one of ${values.join(", ")}`;
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " of them" : "";
}

function valueAt(document: unknown, path: JsonPath): unknown {
  let at = document;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Object.getOwnPropertyDescriptor(at, step)?.value;
  }
  return at;
}
