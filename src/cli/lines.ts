/** One line of a stream, without its end, and its number from 1; a line past the bound comes without its bytes. */
export interface Line {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
}

/** Cuts a stream at its line feeds; holds no more than one line. @param most bytes a line */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size <= most) parts.push(part);
    else parts = [];
  };
  const line = (): Line => {
    const done = { number, bytes: size <= most ? Buffer.concat(parts) : undefined };
    number += 1;
    [parts, size] = [[], 0];
    return done;
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      take(chunk.subarray(from, end));
      yield line();
      from = end + 1;
    }
    take(chunk.subarray(from));
  }
  if (size > 0) yield line();
}
