import { maskedCrc } from "./crc32c.ts";

/** A log is a row of blocks; no record crosses from one into the next (LevelDB's doc/log_format.md). */
const BLOCK = 32_768;
/** Checksum, length, type. */
const HEADER = 7;
/** Types of a record: a whole batch, or the first, a middle, the last piece of one. */
const [FULL, FIRST, LAST] = [1, 2, 4];

/**
 * Looks for records of a LevelDB log that LevelDB would skip without a word: those with a wrong checksum before good
 * ones. What is torn at the end, with no batch after it, was never acknowledged.
 * @param bytes the whole file
 * @returns true when something that was written is not there any more
 */
export function isLogDamaged(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; ) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEADER) {
      at += room; // too small for a record: filled up
      continue;
    }
    const length = recordAt(bytes, at);
    if (length === undefined) return isFollowed(bytes, at) || beginsBatch(bytes, at + 1);
    at += length;
  }
  return false;
}

/** @returns the length of the good record there, header and all; undefined when there is none */
function recordAt(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER > bytes.length) return undefined;
  const type = bytes[at + 6] ?? 0;
  const length = HEADER + bytes.readUInt16LE(at + 4);
  const fits = length <= BLOCK - (at % BLOCK) && at + length <= bytes.length;
  if (type < FULL || type > LAST || !fits) return undefined;
  return bytes.readUInt32LE(at) === maskedCrc(bytes.subarray(at + 6, at + length)) ? length : undefined;
}

/** Whether what claims to be a whole batch has something behind it: then it was acknowledged before that came. */
function isFollowed(bytes: Buffer, at: number): boolean {
  if (at + HEADER > bytes.length || bytes[at + 6] !== FULL) return false;
  const end = at + HEADER + bytes.readUInt16LE(at + 4);
  return end < bytes.length && end - at <= BLOCK - (at % BLOCK);
}

/** Whether a good batch begins anywhere from there on: lengths cannot be trusted any more. */
function beginsBatch(bytes: Buffer, from: number): boolean {
  for (let at = from; at + HEADER <= bytes.length; at += 1) {
    const type = bytes[at + 6] ?? 0;
    if ((type === FULL || type === FIRST) && recordAt(bytes, at) !== undefined) return true;
  }
  return false;
}
