import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { Signer } from "#publish/signer.ts";
import type { Listed } from "./simulator.ts";

/** The same key, written as PEM and under another id. */
export function asPem(key: Listed): Listed {
  const raw = Buffer.concat([
    Buffer.from("302a300506032b6570032100", "hex"),
    Buffer.from(key.key.keyval.public, "hex"),
  ]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${raw.toString("base64")}\n-----END PUBLIC KEY-----\n`;
  return { ...key, keyid: "as-pem", key: { ...key.key, keyval: { public: pem } } };
}

/** A key of another kind than ed25519. @param bits of an RSA key */
export function pemKey(scheme: "ecdsa-sha2-nistp256" | "rsassa-pss-sha256", bits = 2048): Listed {
  const pair = scheme.startsWith("ecdsa")
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: bits });
  const privateKey: KeyObject = pair.privateKey;
  const pem = pair.publicKey.export({ format: "pem", type: "spki" });
  const key = { keytype: scheme.startsWith("ecdsa") ? "ecdsa" : "rsa", scheme, keyval: { public: pem } };
  const keyid = createHash("sha256").update(pem).digest("hex");
  const padding = scheme.startsWith("rsa") ? { padding: 6 } : {};
  const signer: Signer = {
    keyid,
    key,
    sign: (bytes) => Promise.resolve(sign("sha256", bytes, { key: privateKey, ...padding }).toString("hex")),
  };
  return { keyid, key, signer };
}
