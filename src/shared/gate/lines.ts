/**
 * Cuts a byte stream into newline-ended lines.
 * @param max bytes of a line: whoever sends more is not honest
 * @returns a function that takes a chunk and gives back the lines it completed; it throws RangeError on a line over `max`
 */
export function lineSplitter(max: number): (chunk: Buffer) => string[] {
  let pieces: Buffer[] = []; // bounded: max bytes and one chunk; joined once a line, for a backup has thousands
  let size = 0;
  const add = (piece: Buffer): void => {
    size += piece.length;
    if (size > max) throw new RangeError(`a line of more than ${max} bytes`);
    pieces.push(piece);
  };
  return (chunk) => {
    const lines: string[] = [];
    let data = chunk;
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10)) {
      add(data.subarray(0, end));
      lines.push(Buffer.concat(pieces).toString("utf8"));
      pieces = [];
      size = 0;
      data = data.subarray(end + 1);
    }
    if (data.length > 0) add(data);
    return lines;
  };
}
