/** What the top level of a snap's meta/snap.yaml says of itself; undefined what cannot be read of it. Other keys are not looked at. */
export function parseSnapYaml(bytes: Uint8Array): { readonly name?: string; readonly version?: string } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const [name, version] = [scalar(text, "name"), scalar(text, "version")];
  return { ...(name !== undefined && { name }), ...(version !== undefined && { version }) };
}

/** A plain or quoted scalar on the line of its key, the last one as for snapd (YAML 1.2.2, 7.3): snapcraft writes no others for these two. */
function scalar(text: string, key: string): string | undefined {
  const begins = [`${key}:`, `"${key}":`, `'${key}':`];
  const line = text.split("\n").findLast((one) => begins.some((begin) => one.startsWith(begin)));
  const value = line?.slice(line.indexOf(":") + 1).trim() ?? "";
  const quoted = /^(["'])([^"'\\]{1,200})\1/.exec(value)?.[2];
  const plain = /^[^\s"'#&*![\]{}|>%@`][^#]{0,200}/.exec(value)?.[0].trim();
  return quoted ?? plain;
}
