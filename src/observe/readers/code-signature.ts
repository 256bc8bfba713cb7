import { createHash, type Hash } from "node:crypto";
import { readWhole, textOf, viewOf } from "#observe/readers/bytes.ts";
import { attributeOf, commonName, organisationalUnit } from "#observe/readers/certificate.ts";
import { rootOf } from "#observe/readers/chain.ts";
import { parseSignedData, signerOf } from "#observe/readers/cms.ts";
import type { MachProgram } from "#observe/readers/macho.ts";
import type { Reads } from "#observe/reads.ts";

/** A signature of a program of macOS, of which all holds but what only the program's own bytes can say. */
export interface CodeSignature {
  readonly signingId: string;
  readonly teamId: string;
  /** Whether Apple's root stands behind the signer, and the signer is that team: else everybody can have made it. */
  readonly rooted: boolean;
  /** What the program's pages must hash to. */
  readonly pages: Pages;
}

interface Pages {
  readonly algorithm: string;
  readonly pageSize: number;
  /** Where the signed bytes end, from the program's beginning. */
  readonly limit: number;
  /** One hash after the other, each of so many bytes. */
  readonly hashes: Uint8Array;
  readonly hashSize: number;
}

/** xnu, osfmk/kern/cs_blobs.h: all numbers have their greater byte first. */
const superBlob = 0xfade0cc0;
const directoryBlob = 0xfade0c02;
const signatureBlob = 0xfade0b01;
const directorySlot = 0;
const signatureSlot = 0x10000;
const withTeam = 0x20200;
const withWideLimit = 0x20300;
const algorithms: ReadonlyMap<number, { readonly algorithm: string; readonly size: number }> = new Map([
  [1, { algorithm: "sha1", size: 20 }],
  [2, { algorithm: "sha256", size: 32 }],
  [3, { algorithm: "sha256", size: 20 }],
  [4, { algorithm: "sha384", size: 48 }],
]);
/** A directory has a hash a page of four kilobytes: this is enough for two gigabytes. */
const longestDirectory = 16 * 1024 * 1024;
const longestSignature = 1024 * 1024;
const mostBlobs = 64;

/**
 * The code signature of one program: the team and the identifier of its code directory. Undefined where it has none, where it
 * is of no team (ad hoc, or Apple's own), or where it does not hold. `PageHashes` says whether it is of these bytes. Not looked
 * at: entitlements, requirements, resources of a bundle beside its program, notarisation.
 */
export function* readCodeSignature(program: MachProgram): Reads<CodeSignature | undefined> {
  if (program.signature === undefined) return undefined;
  const { offset, length } = program.signature;
  const end = offset + length;
  const head = yield* readWhole({ offset, length: 12 }, end, 12);
  if (head === undefined || viewOf(head).getUint32(0) !== superBlob) return undefined;
  const count = viewOf(head).getUint32(8);
  const index = yield* readWhole({ offset: offset + 12, length: 8 * count }, end, 8 * mostBlobs);
  if (index === undefined) return undefined;
  const rows = viewOf(index);
  const places = new Map(
    Array.from({ length: count }, (_, i) => [rows.getUint32(8 * i), offset + rows.getUint32(8 * i + 4)] as const),
  );
  const directory = yield* readBlob(places.get(directorySlot), end, directoryBlob, longestDirectory);
  const parsed = directory === undefined ? undefined : parseDirectory(Uint8Array.from(directory));
  // All that lies before the signature must be signed by it.
  if (parsed === undefined || parsed.pages.limit !== offset - program.offset) return undefined;
  const blob = yield* readBlob(places.get(signatureSlot), end, signatureBlob, longestSignature);
  const rooted = blob === undefined ? undefined : signedByTeam(blob.subarray(8), parsed);
  if (rooted === undefined) return undefined;
  const { signingId, teamId, pages } = parsed;
  return { signingId, teamId, rooted, pages };
}

function* readBlob(at: number | undefined, end: number, magic: number, most: number): Reads<Uint8Array | undefined> {
  if (at === undefined) return undefined;
  const head = yield* readWhole({ offset: at, length: 8 }, end, 8);
  if (head === undefined || viewOf(head).getUint32(0) !== magic) return undefined;
  return yield* readWhole({ offset: at, length: viewOf(head).getUint32(4) }, end, most);
}

interface Directory {
  readonly bytes: Uint8Array;
  readonly signingId: string;
  readonly teamId: string;
  readonly pages: Pages;
}

function parseDirectory(bytes: Uint8Array): Directory | undefined {
  if (bytes.length < 64) return undefined;
  const view = viewOf(bytes);
  const [version, slots, kind] = [view.getUint32(8), view.getUint32(28), algorithms.get(view.getUint8(37))];
  if (version < withTeam || kind === undefined || view.getUint8(36) !== kind.size) return undefined;
  if (view.getUint32(44) !== 0) return undefined; // scattered: nothing is signed so any more
  const wide = version >= withWideLimit ? Number(view.getBigUint64(56)) : 0;
  const limit = wide === 0 ? view.getUint32(32) : wide;
  const pageSize = 2 ** view.getUint8(39);
  if (pageSize < 4096 || pageSize > 65_536 || Math.ceil(limit / pageSize) !== slots) return undefined;
  const [hashesAt, length] = [view.getUint32(16), slots * kind.size];
  const [signingId, teamId] = [textIn(bytes, view.getUint32(20)), textIn(bytes, view.getUint32(48))];
  if (hashesAt + length > bytes.length || signingId === undefined || teamId === undefined) return undefined;
  const hashes = bytes.subarray(hashesAt, hashesAt + length);
  return {
    bytes,
    signingId,
    teamId,
    pages: { algorithm: kind.algorithm, pageSize, limit, hashes, hashSize: kind.size },
  };
}

/** Text that is there: at a place behind the header, not empty, ended by a NUL. */
function textIn(bytes: Uint8Array, at: number): string | undefined {
  if (at < 44 || bytes.indexOf(0, at) < 0) return undefined;
  return textOf(bytes.subarray(at, at + longestText)) || undefined;
}
const longestText = 1024;

/** What signs programs in Apple's store, in place of their teams. */
const store = "Apple Mac OS Application Signing";

/** Whether Apple says that the team signed the directory; undefined where nobody did. */
function signedByTeam(cms: Uint8Array, { bytes, teamId }: Directory): boolean | undefined {
  const signed = parseSignedData(cms);
  const signer = signed === undefined ? undefined : signerOf(signed, bytes);
  if (signed === undefined || signer === undefined) return undefined;
  const { subject } = signer;
  const speaks = attributeOf(subject, organisationalUnit) === teamId || attributeOf(subject, commonName) === store;
  return speaks && rootOf(signer, signed.certificates)?.system === "macos";
}

/** The hashes of a program's pages, each compared with the one in its code directory. */
export class PageHashes {
  readonly #begin: number;
  readonly #pages: Pages;
  #page: Hash;
  /** How many of the signed bytes were taken, and whether all pages so far were right. */
  #taken = 0;
  #right = true;

  constructor(program: MachProgram, { pages }: CodeSignature) {
    this.#begin = program.offset;
    this.#pages = pages;
    this.#page = createHash(pages.algorithm);
  }

  /** Takes the file's bytes, piece after piece from its beginning. */
  take(bytes: Uint8Array, offset: number): void {
    const { pageSize, limit } = this.#pages;
    for (;;) {
      const at = this.#begin + this.#taken - offset;
      const left = Math.min(pageSize - (this.#taken % pageSize), limit - this.#taken, bytes.length - at);
      if (!this.#right || left <= 0 || at < 0) return;
      this.#page.update(bytes.subarray(at, at + left));
      this.#taken += left;
      if (this.#taken % pageSize === 0 || this.#taken === limit) this.#endPage();
    }
  }

  /** After the last byte: whether the signature is of these bytes. */
  matches(): boolean {
    return this.#right && this.#taken === this.#pages.limit;
  }

  #endPage(): void {
    const { algorithm, pageSize, hashes, hashSize } = this.#pages;
    const at = (Math.ceil(this.#taken / pageSize) - 1) * hashSize;
    const is = this.#page.digest().subarray(0, hashSize);
    this.#right = is.equals(hashes.subarray(at, at + hashSize));
    this.#page = createHash(algorithm);
  }
}
