import fc from "fast-check";
import type { Target } from "./target.ts";

/** No input gets longer than this by repetition. Bytes. */
const MOST = 128 << 10;

/** What has broken readers of bytes before: ends of numbers, bad UTF-8, controls, names that objects have anyway. */
const NASTY = [
  "\0",
  "\n",
  "\r\n",
  "\x1b[31m",
  "\x7f",
  "\xff",
  "\xff\xff",
  "\xff\xff\xff\xff",
  "\x00\x00\x00\x00",
  "\x7f\xff\xff\xff",
  "\x80\x00\x00\x00",
  "\x00\x00\x00\x80",
  "\x00\x00\xff\xff",
  "\xc3\x28",
  "\xed\xa0\x80",
  "\xc2\x9b",
  "\xe2\x80\xae",
  "\xef\xbb\xbf",
  "__proto__",
  "constructor",
  "-1",
  "0",
  "1e999",
  "9007199254740993",
  "4294967296",
  "NaN",
  "[",
  "{",
  '"',
  "\\",
  "\\u0000",
  "$(id)",
  "%s%n",
  "/../",
].map((text) => Buffer.from(text, "latin1"));

/** One change of some bytes. */
interface Edit {
  readonly how: keyof typeof EDITS;
  /** Where, counted round and round. */
  readonly at: number;
  /** How many bytes. */
  readonly length: number;
  readonly put: Uint8Array;
}

/** The kinds of change; `before` and `after` are the bytes around the ones that are changed, `piece` those. */
const EDITS = {
  flip: (before: Buffer, piece: Buffer, after: Buffer, { length }: Edit) =>
    Buffer.concat([before, flipped(piece.subarray(0, 1), length), piece.subarray(1), after]),
  insert: (before: Buffer, piece: Buffer, after: Buffer, { put }: Edit) =>
    Buffer.concat([before, put, piece, after]),
  replace: (before: Buffer, _piece: Buffer, after: Buffer, { put }: Edit) =>
    Buffer.concat([before, put, after]),
  overwrite: (before: Buffer, piece: Buffer, after: Buffer, { put }: Edit) =>
    Buffer.concat([before, put, Buffer.concat([piece, after]).subarray(put.length)]),
  cut: (before: Buffer, _piece: Buffer, after: Buffer) => Buffer.concat([before, after]),
  end: (before: Buffer) => before,
  double: (before: Buffer, piece: Buffer, after: Buffer) => Buffer.concat([before, piece, piece, after]),
  repeat: (before: Buffer, piece: Buffer, after: Buffer, { at }: Edit) => {
    const times = Math.min(2 ** (at % 17), Math.floor(MOST / (piece.length + 1)));
    return Buffer.concat([before, Buffer.alloc(piece.length * times, piece), after]).subarray(0, MOST);
  },
};

function flipped(byte: Buffer, bit: number): Buffer {
  return Buffer.from(byte.map((one) => one ^ (1 << (bit & 7))));
}

function applied(bytes: Buffer, edit: Edit): Buffer {
  const at = edit.at % (bytes.length + 1);
  const end = Math.min(bytes.length, at + edit.length);
  return EDITS[edit.how](bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end), edit);
}

/** Inputs for a target: mostly good ones with a few changes, also two joined, words in any order, and noise. */
export function inputsOf({ seeds, words = [] }: Pick<Target, "seeds" | "words">): fc.Arbitrary<Buffer> {
  const good = fc.constantFrom(...seeds().map((seed) => Buffer.from(seed as string)));
  const word = fc.constantFrom(...NASTY, ...words.map((text) => Buffer.from(text)));
  const noise = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
  const edit: fc.Arbitrary<Edit> = fc.record({
    how: fc.constantFrom(...(Object.keys(EDITS) as Edit["how"][])),
    at: fc.nat(),
    length: fc.nat(40),
    put: fc.oneof({ weight: 3, arbitrary: word }, { weight: 1, arbitrary: noise(8) }),
  });
  const mutant = fc
    .tuple(good, fc.array(edit, { maxLength: 6 }))
    .map(([bytes, edits]) => edits.reduce(applied, bytes));
  const joined = fc
    .tuple(good, good, fc.nat(), fc.nat())
    .map(([a, b, n, m]) =>
      Buffer.concat([a.subarray(0, n % (a.length + 1)), b.subarray(m % (b.length + 1))]),
    );
  const sentence = fc.array(word, { maxLength: 30 }).map((list) => Buffer.concat(list));
  return fc.oneof(
    { weight: 12, arbitrary: mutant },
    { weight: 2, arbitrary: joined },
    { weight: 1, arbitrary: sentence },
    { weight: 1, arbitrary: noise(2_000) },
  );
}
