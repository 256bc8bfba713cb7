/**
 * The values under one heading of a file of pacman's local database ("%NAME%", then a line each, up to an empty one), as ALPM's
 * lib/libalpm/be_local.c reads them. Bytes as Latin-1.
 */
export function* pacmanValues(bytes: Uint8Array, heading: string): Generator<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const mark = `%${heading}%\n`;
  const at = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (at === 0 && !text.startsWith(mark)) return;
  for (let begin = at + mark.length; begin < text.length;) {
    const found = text.indexOf("\n", begin);
    const end = found < 0 ? text.length : found;
    if (end === begin) return;
    yield text.slice(begin, end);
    begin = end + 1;
  }
}
