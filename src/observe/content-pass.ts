import { createHash } from "node:crypto";
import type { Needle, PackageSeen, Reading, SignerSeen } from "#policy/evidence.ts";
import { isAppImage } from "#observe/readers/appimage.ts";
import { elfHeader, sectionsAfter, type Section } from "#observe/readers/elf.ts";
import { readSignature, signedForm, type Signature, type SignedForm } from "#observe/readers/signature.ts";
import { readFrom, type Range, type Reads } from "#observe/reads.ts";
import { makeSearch, shortestNeedle, type Search } from "#observe/search.ts";
import { readSelfNamed, selfNamed } from "#observe/self-named.ts";
import type { Wanted } from "#policy/compile.ts";

/** What one pass over a file's bytes found. */
export interface Content {
  readonly hash: Reading<string>;
  readonly marker: Reading<Needle>;
  /** Who signed it; undefined for files of a form that carries no signatures. */
  readonly signer?: Reading<SignerSeen> | undefined;
  /** The interpreter that it is, whatever it is called: its name in the table of interpreters. */
  readonly interpreter?: string | undefined;
  /** What it says in its own bytes that it is; left out where it says nothing. */
  readonly packages?: readonly PackageSeen[] | undefined;
}

/** What is looked for in files, made ready once for all of them. */
export interface ContentPlan {
  /** Names everything a reading depends on: what was read under another digest says nothing here. */
  readonly digest: string;
  /** Sizes in bytes of files that are hashed. */
  readonly sizes: ReadonlySet<number>;
  /** What may be reported; `search` looks for these, in their order, and for the mark of a bare node after them. */
  readonly needles: readonly Needle[];
  readonly search: Search;
  /** Signers that some identity names. */
  readonly signers: ReadonlySet<string>;
  /** Ecosystems whose packages are read from a program itself. */
  readonly selfNamed: ReturnType<typeof selfNamed>;
  /** The longest range that a pass asks for in the ordinary way, in bytes; only an odd table of sections, or a signature, is longer. */
  readonly longestRead: number;
}

/**
 * Node's own mark of a program that carries no application (":1" where one was put into it): so a renamed or copied node is
 * still an interpreter, and a tool made of node is none.
 */
const bareNode: Needle = {
  bytes: "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0",
  encoding: "utf8",
  where: "elf-section",
  section: ".rodata",
};

/** Files past this are not searched; the largest AI tool measured has 381 MB. */
const largest = 2 ** 31;
/** Read and searched at once, in bytes: a fraction of a millisecond of work between two turns of the event loop. */
export const piece = 256 * 1024;
/** How much of a file's end `where: "tail"` means, in bytes. */
const tail = 1024 * 1024;
/** Part of every digest: raised where the same needles would be found by another rule. */
const rules = 1;

/** Makes ready what is wanted of files. @throws RangeError where a needle is shorter than two bytes */
export function makePlan(
  wanted: Pick<Wanted, "sizes" | "needles" | "signers"> & Partial<Pick<Wanted, "ecosystems">>,
): ContentPlan {
  const { sizes, needles, signers, ecosystems = new Set() } = wanted;
  const named = selfNamed(ecosystems);
  const bytes = [...needles, bareNode].map((n) => Buffer.from(n.bytes, n.encoding));
  if (bytes.some((b) => b.length < shortestNeedle)) throw new RangeError("a marker has at least two bytes");
  const search = makeSearch(bytes);
  const texts = needles.map((n) => JSON.stringify([n.bytes, n.encoding, n.where, n.section]));
  const all = JSON.stringify([
    rules,
    texts.toSorted(),
    [...sizes].toSorted((a, b) => a - b),
    [...signers].toSorted(),
    named,
  ]);
  return {
    digest: createHash("sha256").update(all).digest("hex"),
    sizes,
    needles,
    search,
    signers,
    selfNamed: named,
    longestRead: piece + search.longest,
  };
}

/** The content of a file that could not be read, and why. */
export function unreadContent(unread: string): Content {
  return { hash: { unread }, marker: { unread }, signer: { unread } };
}

/**
 * Hashes and searches a file of `size` bytes in one pass. Asks for only what a hash or a needle needs, one piece after the
 * other; for a file of one piece once, for all of it.
 */
export function* contentPass(plan: ContentPlan, size: number): Reads<Content> {
  if (size > largest) return unreadContent(`larger than ${largest} bytes`);
  if (size > piece) return yield* pass(plan, size);
  const bytes = size === 0 ? new Uint8Array() : yield { offset: 0, length: size };
  return readFrom(bytes, pass(plan, size));
}

function* pass(plan: ContentPlan, size: number): Reads<Content> {
  const head = yield { offset: 0, length: elfHeader };
  const form = signedForm(head);
  const image = isAppImage(head);
  const sections = yield* sectionsAfter(head, size);
  const packages = yield* readSelfNamed(plan.selfNamed, { form, image, sections, size });
  const signed = form === undefined ? undefined : yield* signature(form, size, plan.signers);
  const hash = plan.sizes.has(size) ? createHash("sha256") : undefined;
  const takings: Take[] = hash === undefined ? [] : [(bytes) => hash.update(bytes)];
  if (signed !== undefined && "bytes" in signed)
    for (const taking of signed.bytes) takings.push((bytes, offset) => taking.take(bytes, offset));
  const found = yield* find(plan, size, sections, takings);
  const values = plan.needles.filter((_, i) => found.has(i));
  return {
    hash: hash === undefined ? { unread: "no identity has this size" } : { value: [hash.digest("hex")] },
    marker: values.length === 0 ? { absent: true } : { value: values },
    ...(signed !== undefined && { signer: "bytes" in signed ? signerOf(signed) : signed }),
    ...(found.has(plan.needles.length) && { interpreter: "node" }),
    ...(packages.length > 0 && { packages }),
  };
}

/** Takes all of a file's bytes, piece after piece. */
type Take = (bytes: Uint8Array, offset: number) => void;

function* signature(
  form: SignedForm,
  size: number,
  wanted: ReadonlySet<string>,
): Reads<Signature | Reading<SignerSeen>> {
  return wanted.size === 0 ? { unread: "no identity asks for it" } : yield* readSignature(form, size, wanted);
}

function signerOf({ signer, bytes }: Signature): Reading<SignerSeen> {
  return bytes.every((b) => b.matches()) ? { value: [signer] } : { unread: "its signature is not of these bytes" };
}

/** Which needles stand where they must. Where somebody takes the bytes, all of them are read. */
function* find(
  plan: ContentPlan,
  size: number,
  sections: readonly Section[],
  takings: readonly Take[],
): Reads<ReadonlySet<number>> {
  const needles = [...plan.needles, bareNode];
  const { longest } = plan.search;
  const found = new Set<number>();
  const stands = (index: number, at: number): void => {
    const needle = needles[index];
    if (needle !== undefined && !found.has(index) && allowed(needle, at, size, sections)) found.add(index);
  };
  for (const [begin, end] of takings.length === 0 ? ranges(needles, size, sections) : [[0, size] as const]) {
    const rangeAt = (at: number): Range => {
      const own = Math.min(piece, end - at);
      return { offset: at, length: Math.min(own + longest, size - at) };
    };
    for (let at = begin; at < end; at += piece) {
      const asked = Math.min(piece, end - at);
      const bytes = yield { ...rangeAt(at), ahead: at + piece < end ? rangeAt(at + piece) : undefined };
      const own = Math.min(asked, bytes.length);
      for (const take of takings) take(bytes.subarray(0, own), at);
      plan.search.scan(bytes, own, (needle, offset) => stands(needle, at + offset));
      if (own < asked) break;
      if (takings.length === 0 && found.size === needles.length) return found;
    }
  }
  return found;
}

/** The parts of the file in which some needle may begin, merged and in order. */
function ranges(
  needles: readonly Needle[],
  size: number,
  sections: readonly Section[],
): readonly (readonly [number, number])[] {
  const parts: [number, number][] = [];
  for (const needle of needles) {
    if (needle.where === "anywhere") return [[0, size]];
    if (needle.where === "tail") parts.push([Math.max(0, size - tail), size]);
    else for (const s of sections) if (isSection(needle, s)) parts.push([s.offset, s.offset + s.size]);
  }
  parts.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (last !== undefined && part[0] <= last[1]) last[1] = Math.max(last[1], part[1]);
    else merged.push(part);
  }
  return merged;
}

function isSection(needle: Needle, section: Section): boolean {
  return needle.section === undefined || needle.section === section.name;
}

function allowed(needle: Needle, at: number, size: number, sections: readonly Section[]): boolean {
  switch (needle.where) {
    case "anywhere":
      return true;
    case "tail":
      return at >= size - tail;
    case "elf-section":
      return sections.some((s) => isSection(needle, s) && at >= s.offset && at < s.offset + s.size);
    default:
      return needle.where satisfies never;
  }
}
