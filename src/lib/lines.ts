/** Text in lines, from bytes as they come. A line of more than `most` bytes ends the reading: whoever writes so is broken. */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<string, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of input) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end).toString("utf8");
      rest = rest.subarray(end + 1);
    }
    if (rest.length > most) return;
  }
}
