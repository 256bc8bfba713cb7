import { createCipheriv, createDecipheriv, randomBytes, scrypt, type ScryptOptions } from "node:crypto";
import { DerReader, encode, encodeInteger, tag } from "#publish/der.ts";
import { PublishError } from "#publish/error.ts";

// EncryptedPrivateKeyInfo (RFC 5958 section 3) with PBES2 (RFC 8018 section 6.2), scrypt (RFC 7914 section 7) and
// AES-256-CBC. OpenSSL writes the same form, but reads it only up to 32 MiB of scrypt memory: too cheap for keys like these.

const oids = {
  pbes2: Buffer.from("2a864886f70d01050d", "hex"),
  scrypt: Buffer.from("2b06010401da47040b", "hex"),
  aes256cbc: Buffer.from("60864801650304012a", "hex"),
};

/** 128 MiB and about half a second for each guess. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
/** A key file may ask for no more than this. */
const highest = { N: 2 ** 20, r: 16, p: 4 } as const;

const label = "ENCRYPTED PRIVATE KEY";

/** @param pkcs8 PrivateKeyInfo in DER. Returns PEM (RFC 7468 section 11). */
export async function encryptKey(pkcs8: Uint8Array, passphrase: string): Promise<string> {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const cipher = createCipheriv("aes-256-cbc", await derive(passphrase, salt, cost), iv);
  const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  const numbers = [cost.N, cost.r, cost.p, 32].map(encodeInteger);
  const kdf = encode(tag.sequence, oid(oids.scrypt), encode(tag.sequence, octets(salt), ...numbers));
  const scheme = encode(tag.sequence, oid(oids.aes256cbc), octets(iv));
  const algorithm = encode(tag.sequence, oid(oids.pbes2), encode(tag.sequence, kdf, scheme));
  const base64 = encode(tag.sequence, algorithm, octets(encrypted)).toString("base64");
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}

/** The PrivateKeyInfo in DER. @throws PublishError KEY for a wrong passphrase, and for what is no such file */
export async function decryptKey(pem: string, passphrase: string): Promise<Buffer> {
  const base64 = new RegExp(`^-----BEGIN ${label}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${label}-----\\s*$`).exec(
    pem,
  )?.[1];
  if (base64 === undefined) throw new PublishError("KEY", `it holds no ${label}`);
  const { salt, iv, encrypted, options } = read(Buffer.from(base64, "base64"));
  const decipher = createDecipheriv("aes-256-cbc", await derive(passphrase, salt, options), iv);
  try {
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch (error) {
    throw new PublishError("KEY", "the passphrase is wrong", { cause: error });
  }
}

function octets(bytes: Uint8Array): Buffer {
  return encode(tag.octets, bytes);
}

function oid(bytes: Uint8Array): Buffer {
  return encode(tag.oid, bytes);
}

interface Encrypted {
  readonly salt: Buffer;
  readonly iv: Buffer;
  readonly encrypted: Buffer;
  readonly options: { readonly N: number; readonly r: number; readonly p: number };
}

function read(der: Buffer): Encrypted {
  try {
    const info = new DerReader(der).sequence();
    const algorithm = info.sequence();
    algorithm.oid(oids.pbes2);
    const parameters = algorithm.sequence();
    const kdf = parameters.sequence();
    kdf.oid(oids.scrypt);
    const numbers = kdf.sequence();
    const salt = numbers.next(tag.octets);
    const [N, r, p] = [numbers.integer(), numbers.integer(), numbers.integer()];
    if (N < 2 || N > highest.N || (N & (N - 1)) !== 0 || r < 1 || r > highest.r || p < 1 || p > highest.p)
      throw new RangeError(`scrypt with N ${N}, r ${r}, p ${p}`);
    const scheme = parameters.sequence();
    scheme.oid(oids.aes256cbc);
    const iv = scheme.next(tag.octets);
    if (iv.length !== 16) throw new RangeError("initialisation vector");
    return { salt, iv, encrypted: info.next(tag.octets), options: { N, r, p } };
  } catch (error) {
    throw new PublishError("KEY", "it is not encrypted in a way that is known here (scrypt, AES-256)", {
      cause: error,
    });
  }
}

function derive(passphrase: string, salt: Buffer, options: Encrypted["options"]): Promise<Buffer> {
  const limits: ScryptOptions = { ...options, maxmem: 256 * options.N * options.r };
  return new Promise((resolve, reject) => {
    // NFC, so that the same passphrase typed on another keyboard is the same bytes.
    scrypt(passphrase.normalize("NFC"), salt, 32, limits, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
