import { createHash, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { canonicalJson } from "#trust/canonical.ts";
import { PublishError } from "#publish/error.ts";

/** A public key as it stands in root metadata (TUF 1.0 section 4.2). */
export interface PublicKeyJson {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
}

/** Whoever can sign: a key file, later a token or a key service. */
export interface Signer {
  readonly keyid: string;
  readonly key: PublicKeyJson;
  /** The signature over these very bytes, in hex. */
  sign(bytes: Uint8Array): Promise<string>;
}

/** sha256 of the canonical key: the name that TUF 1.0 section 4.2 proposes. */
export function keyidOf(key: PublicKeyJson): string {
  return createHash("sha256").update(canonicalJson(key)).digest("hex");
}

/** @throws PublishError KEY for anything but an ed25519 private key */
export function signerOf(privateKey: KeyObject): Signer {
  const { crv, x } = createPublicKey(privateKey).export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new PublishError("KEY", "this is not an ed25519 key");
  const key = {
    keytype: "ed25519",
    scheme: "ed25519",
    keyval: { public: Buffer.from(x, "base64url").toString("hex") },
  };
  return {
    keyid: keyidOf(key),
    key,
    sign: (bytes) => Promise.resolve(sign(null, bytes, privateKey).toString("hex")),
  };
}

/** A signer that lives as long as this process: for demos and tests. */
export function newSigner(): Signer {
  return signerOf(generateKeyPairSync("ed25519").privateKey);
}
