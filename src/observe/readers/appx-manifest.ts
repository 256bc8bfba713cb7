import { createHash } from "node:crypto";
import { parseXml } from "#observe/readers/xml.ts";

/** An AppxManifest.xml is read up to this many bytes. */
export const longestAppxManifest = 1024 * 1024;

/** Whose package it is (MSIX): its name, the subject of the certificate that it must be signed with, its version. */
export interface AppxIdentity {
  readonly name: string;
  readonly publisher: string;
  readonly version: string | undefined;
}

/** The identity in an AppxManifest.xml ("Identity", Package manifest schema, Microsoft); undefined where it has none. */
export function parseAppxManifest(bytes: Uint8Array): AppxIdentity | undefined {
  if (bytes.length > longestAppxManifest) return undefined;
  const elements = (parseXml(bytes) ?? []).filter((m) => m.what !== "text");
  let depth = 0;
  for (const element of elements) {
    if (element.what === "close") depth -= 1;
    else {
      const { attributes } = element;
      const [name, publisher] = [attributes.get("Name"), attributes.get("Publisher")];
      if (depth === 0 && localName(element.name) !== "Package") return undefined;
      if (depth === 1 && localName(element.name) === "Identity")
        return name && publisher ? { name, publisher, version: attributes.get("Version") } : undefined;
      depth += 1;
    }
  }
  return undefined;
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** Douglas Crockford's alphabet of 32. */
const digits = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A package family's name: the package's, and the id that Windows makes of its publisher ("Package identity", Microsoft): the first
 * 64 bits of the SHA-256 of its UTF-16, in thirteen digits of five bits.
 */
export function familyName({ name, publisher }: AppxIdentity): string {
  const hash = createHash("sha256").update(Buffer.from(publisher, "utf16le")).digest();
  const bits = hash.readBigUInt64BE() << 1n;
  const id = Array.from({ length: 13 }, (_, i) => digits[Number((bits >> BigInt(60 - 5 * i)) & 31n)]).join("");
  return `${name}_${id}`;
}
