/** A message longer than this ends the connection: no honest one comes near. Bytes. */
export const MAX_LINE = 65_536;

/**
 * Cuts a byte stream into newline-ended lines.
 * @returns a function that takes a chunk and gives back the lines it completed; it throws RangeError on a line over `max`
 */
export function lineSplitter(max: number = MAX_LINE): (chunk: Buffer) => string[] {
  let rest: Buffer = Buffer.alloc(0); // bounded: max bytes and one chunk
  return (chunk) => {
    const lines: string[] = [];
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10)) {
      if (end > max) throw new RangeError(`a line of more than ${max} bytes`);
      lines.push(data.toString("utf8", 0, end));
      data = data.subarray(end + 1);
    }
    if (data.length > max) throw new RangeError(`a line of more than ${max} bytes`);
    rest = data;
    return lines;
  };
}
