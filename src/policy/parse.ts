import { z } from "zod";
import { jsonBounds, jsonInPieces } from "#lib/pure/json.ts";
import { locate } from "#lib/pure/json-locate.ts";
import { JsonError, type JsonBounds, type JsonPath } from "#lib/pure/json-scanner.ts";
import { whole, type Pieces } from "#lib/pure/pieces.ts";
import { banSchema, policyBounds, policySchema, type Disabled, type Policy } from "#policy/ban.ts";
import { evidenceSchema, type Evidence } from "#policy/evidence.ts";
import { readNewerCatalog, readNewerPolicy } from "#policy/newer.ts";
import { pathText, problemsOf, type Problem } from "#policy/problem.ts";
import { catalogSchema, catalogToolSchema, toolSchema, type Catalog, type Tool } from "#policy/tool.ts";

export type PolicyErrorCode =
  | "bounds"
  | "encoding"
  | "syntax"
  | "comment"
  | "duplicate-key"
  | "shape"
  | "version"
  | "empty"
  | "duplicate-id";

/** A document that cannot be a policy, catalog, device or evidence. The message names path, line, expected and found. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  /** Such as bans[3].stages[0].from. */
  readonly path: string;
  /** From 1. */
  readonly line: number | undefined;
  /** Everything that is wrong, at most 20 lines, the message's own first. */
  readonly problems: readonly string[];
  constructor(
    code: PolicyErrorCode,
    message: string,
    place: { path: string; line?: number | undefined; problems?: readonly string[] },
    options?: ErrorOptions,
  ) {
    const text = sentence(place.path, place.line, message);
    super(text, options);
    this.name = "PolicyError";
    this.code = code;
    this.path = place.path;
    this.line = place.line;
    this.problems = place.problems ?? [text];
  }
}

function sentence(path: string, line: number | undefined, message: string): string {
  return `${path}${line === undefined ? "" : ` (line ${line})`}: ${message}`;
}

/** What to do with a policy that is newer than this program: an author must know, a device must go on. */
export interface Newer {
  readonly newer?: "refuse" | "tolerate";
}

const formatVersion = 1;

/** @throws PolicyError */
export function parsePolicy(bytes: Uint8Array, newer: Newer = {}): Policy {
  return whole(policyInPieces(bytes, newer));
}

/** @throws PolicyError */
export function* policyInPieces(bytes: Uint8Array, { newer = "refuse" }: Newer = {}): Pieces<Policy> {
  const document = yield* documentInPieces(bytes, { ...jsonBounds, bytes: policyBounds.policy });
  yield;
  checkBounds(document);
  const version = document.version(newer);
  const read = version > formatVersion ? readNewerPolicy(document.value) : yield* readPolicy(document);
  if ("problem" in read) return document.failWith([read.problem]);
  const { name, tools, allow, allowEmpty, exceptions, limits } = read;
  if (document.listAt("bans").length === 0 && !allowEmpty)
    document.fail("empty", ["bans"], 'no bans; a policy that bans nothing says "allowEmpty": true');
  checkUnique(document, "bans", read.bans);
  checkUnique(document, "tools", tools);
  const { disabled, ignored } = "disabled" in read ? read : { disabled: [], ignored: [] };
  return {
    formatVersion: version,
    name,
    bans: read.bans,
    tools,
    allow,
    allowEmpty,
    exceptions,
    limits,
    disabled,
    ignored,
  };
}

/** A catalog, and what of a newer one is left out here. */
export interface ReadCatalog extends Catalog {
  readonly ignored: readonly Disabled[];
}

/** @throws PolicyError */
export function parseCatalog(bytes: Uint8Array, newer: Newer = {}): ReadCatalog {
  return whole(catalogInPieces(bytes, newer));
}

/** @throws PolicyError */
export function* catalogInPieces(bytes: Uint8Array, { newer = "refuse" }: Newer = {}): Pieces<ReadCatalog> {
  const document = yield* documentInPieces(bytes, { ...jsonBounds, bytes: policyBounds.catalog });
  yield;
  checkBounds(document);
  const version = document.version(newer);
  const read = version > formatVersion ? readNewerCatalog(document.value) : yield* readCatalog(document);
  if ("problem" in read) return document.failWith([read.problem]);
  checkUnique(document, "tools", read.tools);
  return { formatVersion, tools: read.tools, ignored: "ignored" in read ? read.ignored : [] };
}

function* readPolicy(document: Document): Pieces<z.output<typeof policySchema>> {
  const frame = policySchema.safeParse(emptied(document.value, ["bans", "tools"]));
  const bans = yield* readEntries(banSchema, document.listAt("bans"));
  const tools = yield* readEntries(toolSchema, document.listAt("tools"));
  // What is wrong is looked for in the whole, where it has its place.
  if (!frame.success || bans === undefined || tools === undefined) return document.read(policySchema);
  return { ...frame.data, bans, tools };
}

function* readCatalog(document: Document): Pieces<z.output<typeof catalogSchema>> {
  const frame = catalogSchema.safeParse(emptied(document.value, ["tools"]));
  const tools = yield* readEntries(catalogToolSchema, document.listAt("tools"));
  if (!frame.success || tools === undefined) return document.read(catalogSchema);
  return { ...frame.data, tools };
}

/** The same without what its long lists hold; whatever else stands in their place stays. */
function emptied(value: unknown, lists: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value);
  return Object.fromEntries(members.map(([key, v]) => [key, lists.includes(key) && Array.isArray(v) ? [] : v]));
}

/** Entries of a list that are read in one piece: each is tens of microseconds. */
const together = 500;

/** Undefined where one of them is wrong. */
function* readEntries<T extends z.ZodType>(
  schema: T,
  list: readonly unknown[],
): Pieces<readonly z.output<T>[] | undefined> {
  const entries: z.output<T>[] = [];
  for (const [i, raw] of list.entries()) {
    const read = schema.safeParse(raw);
    if (!read.success) return undefined;
    entries.push(read.data);
    if ((i + 1) % together === 0) yield;
  }
  return Object.freeze(entries);
}

/** One file of the catalog. @throws PolicyError */
export function parseTool(bytes: Uint8Array): Tool {
  return readDocument(bytes, catalogToolSchema, { ...jsonBounds, bytes: policyBounds.policy });
}

/** One evidence; longer texts than in a policy, because paths and arguments of programs are. @throws PolicyError */
export function parseEvidence(bytes: Uint8Array): Evidence {
  return readDocument(bytes, evidenceSchema, { ...jsonBounds, string: 256 * 1024, bytes: 1024 * 1024 });
}

/** A JSON text of ours, checked. @throws PolicyError */
export function readDocument<T extends z.ZodType>(bytes: Uint8Array, schema: T, bounds: JsonBounds): z.output<T> {
  return documentOf(bytes, bounds).read(schema);
}

/** @throws PolicyError */
export function documentOf(bytes: Uint8Array, bounds: JsonBounds): Document {
  return whole(documentInPieces(bytes, bounds));
}

function* documentInPieces(bytes: Uint8Array, bounds: JsonBounds): Pieces<Document> {
  try {
    return new Document(bytes, yield* jsonInPieces(bytes, bounds));
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new PolicyError(cause.code, cause.message, { path: pathText(cause.path), line: cause.line }, { cause });
  }
}

/** A text, its value, and the places in it that errors name. */
export class Document {
  readonly value: unknown;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, value: unknown) {
    this.#bytes = bytes;
    this.value = value;
  }

  fail(code: PolicyErrorCode, path: JsonPath, message: string): never {
    throw new PolicyError(code, message, { path: pathText(path), line: locate(this.#bytes, path) });
  }

  read<T extends z.ZodType>(schema: T): z.output<T> {
    const read = schema.safeParse(this.value);
    return read.success ? read.data : this.failWith(problemsOf(read.error, this.value));
  }

  failWith(problems: readonly Problem[]): never {
    const [first] = problems;
    if (first === undefined) throw new TypeError("an error without a problem");
    const told = problems.slice(0, 20).map((p) => {
      const line = locate(this.#bytes, p.path);
      return { line, path: pathText(p.path), message: `expected ${p.expected}, found ${p.found}` };
    });
    const lines = told.map((t) => sentence(t.path, t.line, t.message));
    const [head] = told;
    throw new PolicyError("shape", head?.message ?? "", {
      path: head?.path ?? "",
      line: head?.line,
      problems: problems.length > told.length ? [...lines, `and ${problems.length - told.length} more`] : lines,
    });
  }

  /** A member that is a list; an empty one where it is anything else (the schema will complain). */
  listAt(key: string): readonly unknown[] {
    return listAt(this.value, key);
  }

  version(newer: "refuse" | "tolerate"): number {
    const found = memberAt(this.value, "formatVersion");
    if (typeof found !== "number" || !Number.isInteger(found) || found <= formatVersion) return formatVersion;
    if (newer === "refuse")
      this.fail("version", ["formatVersion"], `expected ${formatVersion}, found ${found}: it needs a newer edict`);
    return found;
  }
}

function memberAt(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = memberAt(value, key);
  return Array.isArray(list) ? list : [];
}

/** Before anything is made of it. @throws PolicyError */
export function checkBounds(
  document: Document,
  bounds: { readonly bans: number; readonly identities: number } = policyBounds,
): void {
  const bans = document.listAt("bans").length;
  if (bans > bounds.bans) document.fail("bounds", ["bans"], `${bans} bans, the bound is ${bounds.bans}`);
  let count = 0;
  for (const tool of document.listAt("tools")) count += listAt(tool, "identities").length;
  if (count > bounds.identities)
    document.fail("bounds", ["tools"], `${count} identities, the bound is ${bounds.identities}`);
}

/** @throws PolicyError */
export function checkUnique(
  document: Document,
  list: "bans" | "tools",
  entries: readonly { readonly id: string }[],
): void {
  const seen = new Set<string>();
  for (const { id } of entries) {
    if (seen.has(id)) {
      const at = document.listAt(list).findLastIndex((raw) => memberAt(raw, "id") === id);
      document.fail("duplicate-id", [list, at, "id"], `expected another id, found ${JSON.stringify(id)} a second time`);
    }
    seen.add(id);
  }
}
