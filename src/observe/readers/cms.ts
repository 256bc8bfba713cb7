import { createHash, verify } from "node:crypto";
import { parseCertificate, type Certificate } from "#observe/readers/certificate.ts";
import { context, firstOf, inside, octets, oidOf, sequence, set, type Element } from "#observe/readers/der.ts";

/** What somebody signed, and with what (CMS, RFC 5652, 5.1; PKCS #7 before it). Nothing of it is verified yet. */
export interface SignedData {
  readonly contentType: string;
  /** What was signed, where it lies inside. */
  readonly content: Element | undefined;
  readonly certificates: readonly Certificate[];
  readonly signer: SignerInfo;
}

interface SignerInfo {
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
  readonly digest: string;
  /** Signed attributes, encoded as what the signature is of (RFC 5652, 5.4). */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const signedData = "2a864886f70d010702";
const contentTypeAttribute = "2a864886f70d010903";
const digestAttribute = "2a864886f70d010904";
/** Hashes by their object identifiers. Whoever copies a signature needs a second preimage, and SHA-1 has none so far. */
export const digests: ReadonlyMap<string, string> = new Map([
  ["2b0e03021a", "sha1"],
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
]);
const mostCertificates = 32;

/** Signed data with exactly one signer, named by issuer and serial number, as code is signed; undefined where it is not that. */
export function parseSignedData(bytes: Uint8Array): SignedData | undefined {
  const [type, wrapped] = inside(firstOf(bytes), sequence) ?? [];
  if (oidOf(type) !== signedData) return undefined;
  const fields = inside(inside(wrapped, context(0))?.[0], sequence) ?? [];
  const [contentType, content] = inside(fields[2], sequence) ?? [];
  const signers = inside(
    fields.slice(3).find((f) => f.tag === set),
    set,
  );
  const bag = inside(
    fields.slice(3).find((f) => f.tag === context(0)),
    context(0),
  );
  const signer = signers?.length === 1 ? parseSigner(signers[0]) : undefined;
  const oid = oidOf(contentType);
  if (oid === undefined || signer === undefined || bag === undefined || bag.length > mostCertificates) return undefined;
  const certificates = bag.map((c) => parseCertificate(c.whole)).filter((c) => c !== undefined);
  return { contentType: oid, content: inside(content, context(0))?.[0], certificates, signer };
}

function parseSigner(element: Element | undefined): SignerInfo | undefined {
  const [, who, algorithm, attributes, , signature] = inside(element, sequence) ?? [];
  const [issuer, serial] = inside(who, sequence) ?? [];
  const digest = digests.get(oidOf(inside(algorithm, sequence)?.[0]) ?? "");
  if (issuer === undefined || serial === undefined || digest === undefined) return undefined;
  if (attributes?.tag !== context(0) || signature?.tag !== octets) return undefined;
  const signed = Buffer.from(attributes.whole);
  signed[0] = set;
  return { issuer: issuer.whole, serial: serial.body, digest, signed, signature: signature.body };
}

/**
 * The certificate whose key signed this content, or undefined where none in it did: the attributes name the content's type and
 * its hash, and the signature is over the attributes (RFC 5652, 5.4, 5.6). Who issued that certificate is another question.
 */
export function signerOf(
  { certificates, signer, contentType }: SignedData,
  content: Uint8Array,
): Certificate | undefined {
  const certificate = certificates.find(
    (c) => Buffer.compare(c.serial, signer.serial) === 0 && Buffer.compare(c.issuer, signer.issuer) === 0,
  );
  const attributes = inside(firstOf(signer.signed), set);
  if (certificate === undefined || attributes === undefined) return undefined;
  const hash = createHash(signer.digest).update(content).digest();
  const says = attribute(attributes, digestAttribute);
  if (says?.tag !== octets || Buffer.compare(says.body, hash) !== 0) return undefined;
  if (oidOf(attribute(attributes, contentTypeAttribute)) !== contentType) return undefined;
  return verifies(certificate, signer) ? certificate : undefined;
}

/** The one value of the one attribute of this type. */
function attribute(attributes: readonly Element[], type: string): Element | undefined {
  const pairs = attributes.map((a) => inside(a, sequence)).filter((pair) => oidOf(pair?.[0]) === type);
  const values = inside(pairs[0]?.[1], set);
  return pairs.length === 1 && values?.length === 1 ? values[0] : undefined;
}

/** RSA (PKCS #1 v1.5) and ECDSA; Node throws where a key and a signature do not fit each other. */
function verifies({ x509 }: Certificate, { digest, signed, signature }: SignerInfo): boolean {
  try {
    return verify(digest, signed, x509.publicKey, signature);
  } catch {
    return false;
  }
}
