/** @returns four bytes as `192.0.2.1` */
export const ipv4Text = (bytes: Buffer): string => `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;

/**
 * Writes sixteen bytes as inet_ntop(3) does, and so as dgram does.
 * @returns undefined for what no packet from outside may carry (RFC 4291, 2.5): `::`, `::1`, and IPv4 in an IPv6 coat
 *   (`::192.0.2.1`, `::ffff:192.0.2.1`)
 */
export function ipv6Text(bytes: Buffer): string | undefined {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2));
  const zeros = longestZeros(words);
  if (zeros.at === 0 && isCoat(words, zeros.length)) return undefined;
  if (zeros.length < 2) return hex(words);
  return `${hex(words.slice(0, zeros.at))}::${hex(words.slice(zeros.at + zeros.length))}`;
}

const hex = (words: readonly number[]): string => words.map((word) => word.toString(16)).join(":");

const isCoat = (words: readonly number[], zeros: number): boolean =>
  zeros >= 6 || (zeros === 5 && words[5] === 0xffff);

/** The first of the longest runs of zero words: the one that `::` stands for. */
function longestZeros(words: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  let length = 0;
  for (const [i, word] of words.entries()) {
    length = word === 0 ? length + 1 : 0;
    if (length > best.length) best = { at: i + 1 - length, length };
  }
  return best;
}
