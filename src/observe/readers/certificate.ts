import { X509Certificate } from "node:crypto";
import {
  context,
  firstOf,
  inside,
  integer,
  objectId,
  oidOf,
  sequence,
  set,
  type Element,
} from "#observe/readers/der.ts";

/** A certificate (RFC 5280, 4.1), as far as it says whose it is. Issuer and subject are encoded names. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
}

/** Object identifiers of attributes of a name (X.520). */
export const commonName = "550403";
export const organisationalUnit = "55040b";

/** A certificate in DER, or undefined where it is none that Node understands too. */
export function parseCertificate(der: Uint8Array): Certificate | undefined {
  const fields = inside(inside(firstOf(der), sequence)?.[0], sequence);
  const [serial, , issuer, , subject] = fields?.[0]?.tag === context(0) ? fields.slice(1) : (fields ?? []);
  if (serial?.tag !== integer || issuer?.tag !== sequence || subject?.tag !== sequence) return undefined;
  try {
    const x509 = new X509Certificate(der);
    return { x509, serial: serial.body, issuer: issuer.whole, subject: subject.whole };
  } catch {
    return undefined;
  }
}

/** The one value that a name has for an attribute; undefined where it has none, or several: none of them would be its name. */
export function attributeOf(name: Uint8Array, attribute: string): string | undefined {
  const values: (string | undefined)[] = [];
  for (const part of inside(firstOf(name), sequence) ?? [])
    for (const pair of inside(part, set) ?? []) {
      const [type, value] = inside(pair, sequence) ?? [];
      if (type?.tag === objectId && oidOf(type) === attribute && value !== undefined) values.push(textOf(value));
    }
  return values.length === 1 ? values[0] : undefined;
}

/** The kinds of text that names are written in (RFC 5280, 4.1.2.4), by their tags. */
const encodings: ReadonlyMap<number, string> = new Map([
  [0x0c, "utf-8"],
  [0x13, "latin1"],
  [0x14, "latin1"],
  [0x16, "latin1"],
  [0x1e, "utf-16be"],
]);

function textOf({ tag, body }: Element): string | undefined {
  const encoding = encodings.get(tag);
  if (encoding === undefined || body.length > 4096) return undefined;
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
