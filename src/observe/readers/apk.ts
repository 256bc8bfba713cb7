/** One paragraph of apk's database. */
export interface ApkPackage {
  readonly id: string;
  readonly version: string;
  readonly paths: (each: (path: Uint8Array) => void) => void;
}

/**
 * /lib/apk/db/installed (Alpine's wiki, "Apk spec"): paragraphs of "K:value" lines; P names the package, V its version, F a folder
 * from then on, R a file in it.
 */
export function* parseApkInstalled(bytes: Uint8Array): Generator<ApkPackage> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let begin = 0; begin < buffer.length;) {
    const at = buffer.indexOf("\n\n", begin);
    const end = at < 0 ? buffer.length : at;
    const lines = buffer.toString("latin1", begin, end).split("\n");
    begin = end + 2;
    const field = (key: string): string | undefined => lines.find((line) => line.startsWith(key))?.slice(key.length);
    const [id, version] = [field("P:"), field("V:")];
    if (id === undefined || id === "" || version === undefined) continue;
    yield { id, version, paths: (each) => eachFile(lines, each) };
  }
}

function eachFile(lines: readonly string[], each: (path: Uint8Array) => void): void {
  let folder = "/";
  for (const line of lines) {
    if (line.startsWith("F:")) folder = line.length === 2 ? "/" : `/${line.slice(2)}/`;
    else if (line.startsWith("R:")) each(Buffer.from(`${folder}${line.slice(2)}`, "latin1"));
  }
}
