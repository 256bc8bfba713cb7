import { createHash, type Hash } from "node:crypto";
import { readWhole, viewOf } from "#observe/readers/bytes.ts";
import { attributeOf, commonName } from "#observe/readers/certificate.ts";
import { rootOf } from "#observe/readers/chain.ts";
import { digests, parseSignedData, signerOf } from "#observe/readers/cms.ts";
import { inside, octets, oidOf, sequence } from "#observe/readers/der.ts";
import type { PortableExecutable } from "#observe/readers/pe.ts";
import type { Range, Reads } from "#observe/reads.ts";

/** A signature of a program of Windows, of which all holds but what only the program's own bytes can say. */
export interface Authenticode {
  /** The common name of the certificate whose key made it. */
  readonly subject: string;
  /** Whether that certificate leads to an authority that we know: else everybody can have made it. */
  readonly rooted: boolean;
  /** What the program's bytes must hash to. */
  readonly digest: { readonly algorithm: string; readonly value: Uint8Array };
}

const indirectData = "2b060104018237020104"; // SPC_INDIRECT_DATA_OBJID
const pkcsSignedData = 2; // WIN_CERT_TYPE_PKCS_SIGNED_DATA
const header = 8;
/** Entries of the table, and bytes of one: real ones have ten to twenty kilobytes, and a timestamp in them. */
const mostEntries = 16;
const longest = 1024 * 1024;

/**
 * The first signature in a program's certificate table ("Windows Authenticode Portable Executable Signature Format",
 * Microsoft): who signed it, by a signature that was verified; undefined where there is none, or none that holds.
 * `ImageHash` says whether it is of these bytes.
 */
export function* readAuthenticode(pe: PortableExecutable, fileSize: number): Reads<Authenticode | undefined> {
  if (pe.certificates === undefined) return undefined;
  const end = pe.certificates.offset + pe.certificates.length;
  for (let [at, entry] = [pe.certificates.offset, 0]; entry < mostEntries && at + header <= end; entry += 1) {
    const head = yield* readWhole({ offset: at, length: header }, fileSize, header);
    if (head === undefined) return undefined;
    const [length, type] = [viewOf(head).getUint32(0, true), viewOf(head).getUint16(6, true)];
    if (length <= header || at + length > end) return undefined;
    if (type === pkcsSignedData) {
      const bytes = yield* readWhole({ offset: at + header, length: length - header }, fileSize, longest);
      return bytes === undefined ? undefined : parseAuthenticode(bytes);
    }
    at += (length + 7) & ~7;
  }
  return undefined;
}

function parseAuthenticode(bytes: Uint8Array): Authenticode | undefined {
  const signed = parseSignedData(bytes);
  if (signed?.contentType !== indirectData || signed.content === undefined) return undefined;
  const [algorithm, value] = inside(inside(signed.content, sequence)?.[1], sequence) ?? [];
  const digest = digests.get(oidOf(inside(algorithm, sequence)?.[0]) ?? "");
  if (digest === undefined || value?.tag !== octets) return undefined;
  const signer = signerOf(signed, signed.content.body); // PKCS #7: without its tag and length (RFC 2315, 9.3)
  const subject = signer === undefined ? undefined : attributeOf(signer.subject, commonName);
  if (signer === undefined || subject === undefined) return undefined;
  const rooted = rootOf(signer, signed.certificates)?.system === "windows";
  return { subject, rooted, digest: { algorithm: digest, value: Uint8Array.from(value.body) } };
}

/** The hash of a program without its checksum and its certificates, which the signature cannot cover. */
export class ImageHash {
  readonly #hash: Hash;
  readonly #expected: Uint8Array;
  readonly #left: readonly Range[];

  constructor({ checksum, security, certificates }: PortableExecutable, { algorithm, value }: Authenticode["digest"]) {
    this.#hash = createHash(algorithm);
    this.#expected = value;
    const entry = [
      { offset: checksum, length: 4 },
      { offset: security, length: 8 },
    ];
    this.#left = certificates === undefined ? entry : [...entry, certificates];
  }

  /** Takes the file's bytes, piece after piece from its beginning. */
  take(bytes: Uint8Array, offset: number): void {
    let at = offset;
    for (const left of this.#left) {
      const end = left.offset + left.length;
      if (end <= at) continue;
      if (left.offset >= offset + bytes.length) break;
      if (left.offset > at) this.#hash.update(bytes.subarray(at - offset, left.offset - offset));
      at = end;
    }
    if (at < offset + bytes.length) this.#hash.update(bytes.subarray(at - offset));
  }

  /** Once, after the last byte: whether the signature is of these bytes. */
  matches(): boolean {
    return Buffer.compare(this.#hash.digest(), this.#expected) === 0;
  }
}
