import { createPublicKey, type X509Certificate } from "node:crypto";
import type { Certificate } from "#observe/readers/certificate.ts";
import { roots, type Root } from "#observe/readers/roots.ts";

const codeSigning = "1.3.6.1.5.5.7.3.3"; // RFC 5280, 4.2.1.12
/** Certificates from the signer's own to a root's; real chains have three or four. */
const longest = 8;

/**
 * The root that a certificate for signing code leads to, through the certificates that came with it; undefined where it leads
 * to none that we know. Not looked at: dates (a timestamp outlives them), revocation (that needs a network), constraints on
 * path length and names (they bind authorities, not those who ask them for certificates).
 */
export function rootOf(signer: Certificate, others: readonly Certificate[]): Root | undefined {
  const uses = [signer.x509.keyUsage].flat(); // Node's name for the extended ones, undefined where there are none
  if (!uses.includes(codeSigning)) return undefined;
  const authorities = others.map((c) => c.x509).filter((c) => c.ca);
  let current = signer.x509;
  for (let step = 0; step < longest; step += 1) {
    const root = roots.find(({ key }) => signedBy(current, key));
    if (root !== undefined) return root;
    const issuer = authorities.find((c) => c !== current && current.checkIssued(c) && verified(current, c.publicKey));
    if (issuer === undefined) return undefined;
    current = issuer;
  }
  return undefined;
}

function signedBy(certificate: X509Certificate, key: string): boolean {
  return verified(certificate, createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" }));
}

/** Node throws where a key is of a kind that it cannot use. */
function verified(certificate: X509Certificate, key: X509Certificate["publicKey"]): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}
