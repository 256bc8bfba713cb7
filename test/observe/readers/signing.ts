import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

/** An element of DER (X.690): its tag, and what is inside. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const long = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  const size = body.length < 0x80 ? [body.length] : long;
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

export const oid = {
  signedData: "2a864886f70d010702",
  data: "2a864886f70d010701",
  indirectData: "2b060104018237020104",
  peImage: "2b06010401823702010f",
  contentType: "2a864886f70d010903",
  messageDigest: "2a864886f70d010904",
  sha256: "608648016503040201",
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  unit: "55040b",
  extendedUse: "551d25",
  basicConstraints: "551d13",
  codeSigning: "2b06010505070303",
  serverAuth: "2b06010505070301",
} as const;

const id = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const seq = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

export interface Identity {
  readonly certificate: Buffer;
  readonly name: Buffer;
  readonly issuer: Buffer;
  readonly serial: Buffer;
  readonly key: KeyObject;
}

export interface Person {
  readonly commonName: string;
  readonly unit?: string;
  readonly use?: string;
  /** Who issued it; else it is issued by itself, and may issue others. */
  readonly by?: Identity;
}

/** A certificate (RFC 5280) for a new key, of nobody whom anybody knows. */
export function identity({ commonName, unit, use = oid.codeSigning, by }: Person): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const attributes = [
    [oid.commonName, commonName] as const,
    ...(unit === undefined ? [] : [[oid.unit, unit] as const]),
  ];
  const name = seq(...attributes.map(([type, value]) => der(0x31, seq(id(type), utf8(value)))));
  const serial = der(0x02, Buffer.from([1, commonName.length]));
  const algorithm = seq(id(oid.ecdsaWithSha256));
  const time = (text: string): Buffer => der(0x17, Buffer.from(text));
  const extension = (type: string, value: Buffer): Buffer => seq(id(type), der(0x04, value));
  const extensions =
    by === undefined
      ? extension(oid.basicConstraints, seq(der(0x01, Buffer.from([0xff]))))
      : extension(oid.extendedUse, seq(id(use)));
  const body = seq(
    der(0xa0, der(0x02, Buffer.from([2]))),
    serial,
    algorithm,
    by?.name ?? name,
    seq(time("200101000000Z"), time("400101000000Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, seq(extensions)),
  );
  const signature = sign("sha256", body, by?.key ?? privateKey);
  const certificate = seq(body, algorithm, der(0x03, Buffer.from([0]), signature));
  return { certificate, name, issuer: by?.name ?? name, serial, key: privateKey };
}

export interface Signing {
  readonly by: Identity;
  readonly with?: readonly Identity[];
  readonly contentType: string;
  /** What is signed; `inside`: it is carried too. */
  readonly content: Buffer;
  readonly inside?: Buffer;
  /** How often the signer stands in it. */
  readonly signers?: number;
}

/** Signed data (RFC 5652) with signed attributes. */
export function signedData({ by, with: others = [], contentType, content, inside, signers = 1 }: Signing): Buffer {
  const digest = createHash("sha256").update(content).digest();
  const attributes = [
    seq(id(oid.contentType), der(0x31, id(contentType))),
    seq(id(oid.messageDigest), der(0x31, der(0x04, digest))),
  ];
  const sha256 = seq(id(oid.sha256));
  const signer = seq(
    der(0x02, Buffer.from([1])),
    seq(by.issuer, by.serial),
    sha256,
    der(0xa0, ...attributes),
    seq(id(oid.ecdsaWithSha256)),
    der(0x04, sign("sha256", der(0x31, ...attributes), by.key)),
  );
  const content0 = inside === undefined ? [] : [der(0xa0, inside)];
  const fields = [
    der(0x02, Buffer.from([1])),
    der(0x31, sha256),
    seq(id(contentType), ...content0),
    der(0xa0, ...[by, ...others].map((i) => i.certificate)),
    der(0x31, ...Array.from({ length: signers }, () => signer)),
  ];
  return seq(id(oid.signedData), der(0xa0, seq(...fields)));
}

/** SpcIndirectDataContent: the hash of a program of Windows; its content is what is signed. */
export function indirectData(digest: Buffer): { readonly content: Buffer; readonly inside: Buffer } {
  const content = Buffer.concat([seq(id(oid.peImage)), seq(seq(id(oid.sha256)), der(0x04, digest))]);
  return { content, inside: seq(content) };
}

/** A certificate table with one signature. */
export function certificateTable(signature: Buffer): Buffer {
  const table = Buffer.alloc((8 + signature.length + 7) & ~7);
  table.writeUInt32LE(8 + signature.length, 0);
  table.writeUInt16LE(0x200, 4);
  table.writeUInt16LE(2, 6);
  signature.copy(table, 8);
  return table;
}
