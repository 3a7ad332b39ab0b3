/**
 * The SSH wire format (RFC 4251 section 5), read strictly: whatever is read here has exactly one spelling, so that
 * what decodes re-encodes to the same bytes.
 */

const NOTHING = Buffer.alloc(0);

/**
 * Reads fields one after the other. A field that is not there, or not as it must be, reads as nothing and spoils the
 * whole: read on, and ask `isWhole` once at the end.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #spoilt = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** True when every field was there and nothing is left over. */
  get isWhole(): boolean {
    return !this.#spoilt && this.#at === this.#bytes.length;
  }

  /** @returns the next n bytes, not copied */
  bytes(n: number): Buffer {
    if (this.#spoilt || n > this.#bytes.length - this.#at) return this.#spoil();
    this.#at += n;
    return this.#bytes.subarray(this.#at - n, this.#at);
  }

  /** @returns a `byte` */
  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  /** @returns a `uint32` */
  uint32(): number {
    const four = this.bytes(4);
    return four.length === 4 ? four.readUInt32BE() : 0;
  }

  /** @returns what a `string` holds, not copied */
  string(): Buffer {
    return this.bytes(this.uint32());
  }

  /** @returns a `string` as text, one character a byte: for names, which are compared with ours */
  name(): string {
    return this.string().toString("latin1");
  }

  /** @returns the magnitude of an `mpint` above zero, without leading zeros; zero, negative and padded ones spoil */
  positive(): Buffer {
    const bytes = this.string();
    const [first = 0, second = 0] = bytes;
    if (first > 0 && first < 0x80) return bytes;
    return first === 0 && second >= 0x80 ? bytes.subarray(1) : this.#spoil();
  }

  #spoil(): Buffer {
    this.#spoilt = true;
    return NOTHING;
  }
}

/** @returns a `uint32` */
export function wireUint32(n: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(n);
  return four;
}

/** @returns a `string`: text one byte a character */
export function wireString(content: Buffer | string): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  return Buffer.concat([wireUint32(bytes.length), bytes]);
}

/** @returns the shortest `mpint` of a magnitude above zero, leading zeros allowed */
export function wireMpint(magnitude: Buffer): Buffer {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const digits = magnitude.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? [Buffer.alloc(1)] : [];
  return wireString(Buffer.concat([...sign, digits]));
}
