import { constants, createHash, createPublicKey, verify as verifySignature, type KeyObject } from "node:crypto";
import { canonicalJson } from "#trust/canonical.ts";
import { about, TrustError } from "#trust/error.ts";
import type { Metadata, PublicKey, Role } from "#trust/metadata.ts";

const hex = /^(?:[0-9a-f]{2})+$/i;
const hashAlgorithms = ["sha256", "sha512"];
/** NIST SP 800-131A revision 2, section 3: a shorter one is not for signatures. */
const leastRsaBits = 2048;

/** One way to sign, of those that TUF 1.0 names (section 4.2). */
interface Scheme {
  readonly scheme: string;
  readonly keytypes: readonly string[];
  /** The start of a SubjectPublicKeyInfo before the raw key, for those that also come raw, in hex; and the raw key's bytes. */
  readonly raw?: { readonly prefix: string; readonly bytes: number };
  /** Whether a key is of the kind that the scheme is for. */
  readonly takes: (key: KeyObject) => boolean;
  readonly verify: (bytes: Buffer, key: KeyObject, signature: Buffer) => boolean;
}

const schemes: readonly Scheme[] = [
  {
    scheme: "ed25519",
    keytypes: ["ed25519"],
    raw: { prefix: "302a300506032b6570032100", bytes: 32 }, // RFC 8410 section 4
    takes: ({ asymmetricKeyType }) => asymmetricKeyType === "ed25519",
    verify: (bytes, key, signature) => verifySignature(null, bytes, key, signature),
  },
  {
    scheme: "ecdsa-sha2-nistp256",
    // The scheme's name as a key type is an older spelling that repositories still carry.
    keytypes: ["ecdsa", "ecdsa-sha2-nistp256"],
    raw: { prefix: "3059301306072a8648ce3d020106082a8648ce3d030107034200", bytes: 65 }, // RFC 5480 section 2
    takes: ({ asymmetricKeyDetails }) => asymmetricKeyDetails?.namedCurve === "prime256v1",
    verify: (bytes, key, signature) => verifySignature("sha256", bytes, key, signature),
  },
  {
    scheme: "rsassa-pss-sha256",
    keytypes: ["rsa"],
    takes: ({ asymmetricKeyType, asymmetricKeyDetails }) =>
      asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= leastRsaBits,
    verify: (bytes, key, signature) =>
      verifySignature("sha256", bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING }, signature),
  },
];

interface Verifier {
  readonly key: KeyObject;
  readonly verify: Scheme["verify"];
}

/**
 * TUF 1.0 section 4.2.1 and 5.3.4: at least `threshold` of the role's keys have signed. What is counted is public keys, not
 * key ids: one key under two names, or once as hex and once as PEM, is one.
 * @returns the keys that signed, as `publicIdentity` writes them, as many as were needed
 * @throws TrustError SIGNATURE, or FORMAT for what cannot be signed
 */
export function verifyThreshold(
  metadata: Metadata,
  role: Role,
  keys: ReadonlyMap<string, PublicKey>,
  file: string = metadata.type,
): ReadonlySet<string> {
  // Made for a signature that could be one: what nobody signed costs nothing more.
  let bytes: Buffer | undefined;
  const signedBy = new Set<string>();
  for (const keyid of role.keyids) {
    const key = keys.get(keyid);
    const signature = metadata.signatures.get(keyid);
    if (key === undefined || signature === undefined || !hex.test(signature)) continue;
    try {
      const verifier = verifierOf(key);
      if (verifier === undefined) continue;
      bytes ??= about(file, () => canonicalJson(metadata.signed));
      if (verifier.verify(bytes, verifier.key, Buffer.from(signature, "hex"))) signedBy.add(identityOf(verifier.key));
    } catch (error) {
      if (error instanceof TrustError) throw error;
      // a key or a signature that OpenSSL cannot read does not count
    }
    if (signedBy.size >= role.threshold) return signedBy;
  }
  throw new TrustError(
    "SIGNATURE",
    `${file}.json is signed by ${signedBy.size} of the ${role.threshold} keys it needs`,
    {
      file,
      seen: signedBy.size,
      wanted: role.threshold,
    },
  );
}

/** The public key itself, whatever its encoding (RFC 7517: the members of its JSON Web Key). @throws where it is no key */
export function publicIdentity(key: PublicKey): string | undefined {
  const verifier = verifierOf(key);
  return verifier && identityOf(verifier.key);
}

function identityOf(key: KeyObject): string {
  const { kty, crv, x, y, n, e } = key.export({ format: "jwk" });
  return JSON.stringify([kty, crv, x, y, n, e]);
}

function verifierOf({ keytype, scheme, public: text }: PublicKey): Verifier | undefined {
  const known = schemes.find((one) => one.scheme === scheme && one.keytypes.includes(keytype));
  if (known === undefined || text === undefined) return undefined;
  const key = readKey(text, known.raw);
  return key !== undefined && known.takes(key) ? { key, verify: known.verify } : undefined;
}

function readKey(text: string, raw: Scheme["raw"]): KeyObject | undefined {
  if (text.startsWith("-----BEGIN PUBLIC KEY-----")) return createPublicKey(text);
  if (raw === undefined || !hex.test(text) || text.length !== raw.bytes * 2) return undefined;
  return createPublicKey({ key: Buffer.from(raw.prefix + text, "hex"), format: "der", type: "spki" });
}

/** What was promised about some bytes; an absent length or hash promises nothing. */
export interface Promised {
  readonly length: number | undefined;
  readonly hashes: ReadonlyMap<string, string> | undefined;
}

/** @throws TrustError MISMATCH when the bytes are not the promised ones, or by an algorithm we do not know */
export function verifyBytes(bytes: Uint8Array, promised: Promised, file: string): void {
  if (promised.length !== undefined && bytes.length !== promised.length)
    throw new TrustError("MISMATCH", `${file} has ${bytes.length} bytes instead of ${promised.length}`, {
      file,
      seen: bytes.length,
      wanted: promised.length,
    });
  for (const [algorithm, wanted] of promised.hashes ?? []) {
    if (!hashAlgorithms.includes(algorithm))
      throw new TrustError("MISMATCH", `${file}: unknown hash ${algorithm}`, { file });
    const seen = createHash(algorithm).update(bytes).digest("hex");
    if (seen !== wanted)
      throw new TrustError("MISMATCH", `${file} is not the file that was signed (${algorithm})`, {
        file,
        seen,
        wanted,
      });
  }
}
