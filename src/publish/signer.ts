import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { canonicalJson } from "#trust/canonical.ts";
import { sha256 } from "#trust/sha256.ts";
import { PublishError } from "#publish/error.ts";

/** A public key as it stands in root metadata (TUF 1.0 section 4.2). */
export interface PublicKeyJson {
  readonly keytype: string;
  readonly scheme: string;
  /** Hex of the 32 bytes for ed25519, PEM for ECDSA. */
  readonly keyval: { readonly public: string };
}

/** Whoever can sign: a key file (`keys.ts`), or a program that reaches a token or a key service (`command-key.ts`). */
export interface Signer {
  readonly keyid: string;
  readonly key: PublicKeyJson;
  /** The signature over these very bytes, in hex. @throws PublishError KEY */
  sign(bytes: Uint8Array): Promise<string>;
}

/** sha256 of the canonical key: the name that TUF 1.0 section 4.2 proposes. */
export function keyidOf(key: PublicKeyJson): string {
  return sha256(canonicalJson(key));
}

export const keyTypes = ["ed25519", "ecdsa-p256"] as const;
export type KeyType = (typeof keyTypes)[number];

/** The key as metadata says it, and what its signatures are made over (ECDSA: the sha256; ed25519: the bytes). */
export interface PublicPart {
  readonly key: PublicKeyJson;
  readonly digest: "sha256" | null;
}

/** @throws PublishError KEY for anything but ed25519 and ECDSA with P-256 */
export function publicPartOf(publicKey: KeyObject): PublicPart {
  if (publicKey.asymmetricKeyType === "ed25519") {
    const { x = "" } = publicKey.export({ format: "jwk" });
    const keyval = { public: Buffer.from(x, "base64url").toString("hex") };
    return { key: { keytype: "ed25519", scheme: "ed25519", keyval }, digest: null };
  }
  if (publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1") {
    const keyval = { public: publicKey.export({ format: "pem", type: "spki" }) };
    return { key: { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", keyval }, digest: "sha256" };
  }
  throw new PublishError("KEY", "this is neither an ed25519 key nor one of ECDSA with P-256");
}

export function newPrivateKey(type: KeyType): KeyObject {
  return type === "ed25519"
    ? generateKeyPairSync("ed25519").privateKey
    : generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}

/** @throws PublishError KEY for anything but an ed25519 or ECDSA P-256 private key */
export function signerOf(privateKey: KeyObject): Signer {
  const { key, digest } = publicPartOf(createPublicKey(privateKey));
  return {
    keyid: keyidOf(key),
    key,
    sign: (bytes) => Promise.resolve(sign(digest, bytes, privateKey).toString("hex")),
  };
}

/** A signer that lives as long as this process: for demos and tests. */
export function newSigner(type: KeyType = "ed25519"): Signer {
  return signerOf(newPrivateKey(type));
}
