/** The application that a deployment's `metadata` names: flatpak-metadata(5), a key file. */
export function parseFlatpak(bytes: Uint8Array): string | undefined {
  let group = "";
  for (const line of textOf(bytes).split("\n")) {
    if (line.startsWith("[")) group = line.trim();
    else if (group === "[Application]" && /^name\s*=/.test(line)) return line.slice(line.indexOf("=") + 1).trim();
  }
  return undefined;
}

/** The newest release that an AppStream metainfo file lists: the first one, as AppStream 1.0 ("releases") orders them. */
export function releaseIn(bytes: Uint8Array): string | undefined {
  const text = textOf(bytes);
  const at = text.indexOf("<release ");
  const tag = at < 0 ? "" : text.slice(at, at + 500).split(">", 1)[0];
  return /\sversion=["']([^"'<>]{1,100})["']/.exec(tag ?? "")?.[1];
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
