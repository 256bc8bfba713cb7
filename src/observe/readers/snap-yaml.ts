/** Name and version from the top level of a snap's meta/snap.yaml; undefined where it names none. Other keys are not looked at. */
export function parseSnapYaml(bytes: Uint8Array): { readonly name: string; readonly version?: string } | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const [name, version] = [scalar(text, "name"), scalar(text, "version")];
  if (name === undefined || !/^[a-z0-9-]{1,40}$/.test(name)) return undefined;
  return { name, ...(version !== undefined && { version }) };
}

/** A plain or quoted scalar on the line of its key (YAML 1.2.2, 7.3): all that snapcraft writes for these two. */
function scalar(text: string, key: string): string | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${key}:`));
  const value = line?.slice(key.length + 1).trim() ?? "";
  const quoted = /^(["'])([^"'\\]{1,200})\1$/.exec(value)?.[2];
  const plain = /^[^\s"'#&*![\]{}|>%@`][^#]{0,200}/.exec(value)?.[0].trim();
  return quoted ?? plain;
}
