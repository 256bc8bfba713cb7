/**
 * A stable, evenly spread 32-bit hash of a text's UTF-16 units: MurmurHash3 x86_32 (public domain, A. Appleby) over one
 * unit a round. Not for secrets. The same on every release: who is among the first 25 % must not change with an update.
 */
export function hash32(text: string, seed = 0): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i += 1) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
