import { maskedCrc } from "./crc32c.ts";

/** Two handles, filled up, and eight bytes that say what it is (LevelDB's doc/table_format.md). */
const FOOTER = 48;
const MAGIC = Buffer.from("57fb808b247547db", "hex");
/** After a block: how it is compressed, checksum. */
const TRAILER = 5;
/** Not compressed: our own tables are like that. */
const PLAIN = 0;

/** Where a block is in its file. */
interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Looks whether every block of a LevelDB table is as it was written; LevelDB itself asks for no checksum when it reads.
 * @param bytes the whole file
 * @returns true when one is not. A table whose index is compressed, by an earlier version of ours, is judged by that alone
 */
export function isTableDamaged(bytes: Buffer): boolean {
  const footer = bytes.subarray(-FOOTER);
  if (footer.length < FOOTER || !footer.subarray(-MAGIC.length).equals(MAGIC)) return true;
  const reader = new Reader(footer);
  const isBad = (block: Handle): boolean => !isWhole(bytes, block);
  return [reader.handle(), reader.handle()] // of the filter, and of the data
    .some((index) => isBad(index) || handlesIn(bytes, index).some(isBad));
}

function isWhole(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size + TRAILER;
  if (end > bytes.length) return false;
  return bytes.readUInt32LE(end - 4) === maskedCrc(bytes.subarray(offset, end - 4));
}

/** An index is a block like others: entries of key and handle, then where entries begin, and how many of those. */
function handlesIn(bytes: Buffer, { offset, size }: Handle): Handle[] {
  if (bytes[offset + size] !== PLAIN) return [];
  const block = bytes.subarray(offset, offset + size);
  const restarts = block.readUInt32LE(block.length - 4);
  const entries = new Reader(block.subarray(0, block.length - 4 * (restarts + 1)));
  const handles: Handle[] = [];
  while (entries.hasMore) {
    entries.number(); // bytes shared with the key before
    const key = entries.number();
    entries.number(); // the handle's length
    entries.skip(key);
    handles.push(entries.handle());
  }
  return handles;
}

/** Reads LevelDB's varints one after the other. */
class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get hasMore(): boolean {
    return this.#at < this.bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  handle(): Handle {
    return { offset: this.number(), size: this.number() };
  }
}
