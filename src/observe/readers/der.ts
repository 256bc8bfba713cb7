/** One value of ASN.1 as it is encoded (X.690): its identifier octet, its content, and all of it. */
export interface Element {
  readonly tag: number;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
}

export const sequence = 0x30;
export const set = 0x31;
export const objectId = 0x06;
export const octets = 0x04;
export const integer = 0x02;
/** The identifier octet of a context's own constructed value. */
export function context(number: number): number {
  return 0xa0 | number;
}

/** Elements side by side, and inside each other where lengths are not given: real signatures have some dozens, and seven. */
const most = 4096;
const deepest = 16;
const constructed = 0x20;

/** The elements that `bytes` hold one after the other, or undefined where they are not exactly that. */
export function elementsOf(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at, deepest);
    if (element === undefined || found.length >= most) return undefined;
    found.push(element);
    at += element.whole.length;
  }
  return found;
}

/** The element that `bytes` begin with; what follows it is not looked at. */
export function firstOf(bytes: Uint8Array): Element | undefined {
  return elementAt(bytes, 0, deepest);
}

/** What is inside a constructed element with this tag; undefined where it has another, or is broken. */
export function inside(element: Element | undefined, tag: number): readonly Element[] | undefined {
  return element?.tag === tag ? elementsOf(element.body) : undefined;
}

/** An object identifier's content as hexadecimal digits; undefined where it is something else. */
export function oidOf(element: Element | undefined): string | undefined {
  return element?.tag === objectId ? Buffer.from(element.body).toString("hex") : undefined;
}

/** The element at a place. `depth`: how many of indefinite length may yet lie inside each other (X.690, 8.1.3.6). */
function elementAt(bytes: Uint8Array, at: number, depth: number): Element | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  if (first === 0x80) return (tag & constructed) === 0 ? undefined : indefinite(bytes, at, tag, depth);
  const long = first > 0x80 ? first - 0x80 : 0;
  if (long > 4 || at + 2 + long > bytes.length) return undefined;
  let length = first;
  if (long > 0) {
    length = 0;
    for (let i = 0; i < long; i += 1) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  }
  const begin = at + 2 + long;
  const end = begin + length;
  if (end > bytes.length) return undefined;
  return { tag, body: bytes.subarray(begin, end), whole: bytes.subarray(at, end) };
}

function indefinite(bytes: Uint8Array, at: number, tag: number, depth: number): Element | undefined {
  if (depth === 0) return undefined;
  let end = at + 2;
  for (let i = 0; i < most; i += 1) {
    if (bytes[end] === 0 && bytes[end + 1] === 0)
      return { tag, body: bytes.subarray(at + 2, end), whole: bytes.subarray(at, end + 2) };
    const element = elementAt(bytes, end, depth - 1);
    if (element === undefined) return undefined;
    end += element.whole.length;
  }
  return undefined;
}
