/**
 * Netlink messages and attributes, as netlink(7) and linux/netlink.h have them. Numbers of the framing are in the host's
 * byte order, which is little-endian on every machine that we are packaged for; those in attributes are in network order.
 */

/** Type of a message: an errno(3), or 0 where a request was carried out and NLM_F_ACK asked to be told. */
export const NLMSG_ERROR = 2;
/** Type of a message: the end of a listing. */
export const NLMSG_DONE = 3;

/** Flag of whatever is sent to the kernel. */
export const NLM_F_REQUEST = 0x001;
/** Of a request: it is to be answered also where all went well. */
export const NLM_F_ACK = 0x004;
/** Of an answer: the table changed while it was being listed. */
export const NLM_F_DUMP_INTR = 0x010;
/** Of a request: for all there are, not for one. */
export const NLM_F_DUMP = 0x300;
/** Of a request that makes something: fails where it is there. */
export const NLM_F_EXCL = 0x200;
/** Of a request that makes something: makes it where it is not there. */
export const NLM_F_CREATE = 0x400;

/** struct nlmsghdr, and struct nfgenmsg behind it (linux/netfilter/nfnetlink.h). */
const HEADER = 16;
const NF_HEADER = 4;
const ATTRIBUTE_HEADER = 4;
const NLA_F_NESTED = 0x8000;
const TYPE_BITS = 0x3fff;

/** What stands before the attributes of a netfilter message. */
export interface Head {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** nfgenmsg: address family, and what its last field means for this type. 0 without. */
  readonly family?: number;
  readonly resource?: number;
}

/** A message that the kernel sent. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the netlink header. */
  readonly body: Buffer;
}

/** The bytes are not what netlink(7) says. */
export class WireError extends Error {}

const padded = (length: number): number => (length + 3) & ~3;

/**
 * Writes messages one behind the other. What is begun is ended before what is around it, by the number that `begin` gave:
 * numbers and no closures, for a grant's fifteen messages are on the way from a knock to its open door.
 */
export class Writer {
  #bytes: Buffer;
  #length = 0;

  /** @param expected bytes to begin with; it grows */
  constructor(expected = 1_024) {
    this.#bytes = Buffer.allocUnsafe(padded(expected)); // what is written is written whole, padding too
  }

  /** @returns what was written so far; valid until more is written */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Begins a netfilter message, whose attributes follow. @returns for `endMessage` and `again` */
  message({ type, flags, sequence, family = 0, resource = 0 }: Head): number {
    const start = this.#room(HEADER + NF_HEADER);
    this.#headMessage(start, type, flags, sequence);
    this.#bytes.writeUInt16LE(family, start + HEADER); // and the version, 0
    this.#bytes.writeUInt16BE(resource, start + HEADER + 2);
    return start;
  }

  endMessage(start: number): void {
    this.#bytes.writeUInt32LE(this.#length - start, start);
  }

  /** Writes the message that was written last once more, as one of another kind. */
  again(start: number, { type, flags, sequence }: Pick<Head, "type" | "flags" | "sequence">): void {
    const length = this.#length - start;
    const copy = this.#room(length);
    this.#bytes.copyWithin(copy, start, start + length);
    this.#headMessage(copy, type, flags, sequence);
  }

  /** Writes an attribute (struct nlattr). @throws WireError for more than 64 KiB, as `end` does */
  attribute(type: number, value: Uint8Array): void {
    const start = this.#room(ATTRIBUTE_HEADER + value.length);
    this.#bytes.set(value, start + ATTRIBUTE_HEADER);
    this.#headAttribute(start, ATTRIBUTE_HEADER + value.length, type);
  }

  /** Writes an attribute that is a text of ASCII, with its closing zero. */
  text(type: number, text: string): void {
    const length = ATTRIBUTE_HEADER + text.length + 1;
    const start = this.#room(length);
    this.#bytes.write(text, start + ATTRIBUTE_HEADER, "latin1");
    this.#headAttribute(start, length, type);
  }

  /** Writes an attribute that is a number of 64 bits, less than 2^53. */
  big(type: number, value: number): void {
    const length = ATTRIBUTE_HEADER + 8;
    const start = this.#room(length);
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32), start + ATTRIBUTE_HEADER);
    this.#bytes.writeUInt32BE(value % 2 ** 32, start + ATTRIBUTE_HEADER + 4);
    this.#headAttribute(start, length, type);
  }

  /** Begins an attribute that is made of attributes. @returns for `end` */
  begin(type: number): number {
    const start = this.#room(ATTRIBUTE_HEADER);
    this.#bytes.writeUInt16LE(type | NLA_F_NESTED, start + 2);
    return start;
  }

  end(start: number): void {
    this.#bytes.writeUInt16LE(checked(this.#length - start), start);
  }

  #headMessage(start: number, type: number, flags: number, sequence: number): void {
    this.#bytes.writeUInt16LE(type, start + 4);
    this.#bytes.writeUInt16LE(flags, start + 6);
    this.#bytes.writeUInt32LE(sequence, start + 8);
    this.#bytes.writeUInt32LE(0, start + 12); // to the kernel
  }

  #headAttribute(start: number, length: number, type: number): void {
    this.#bytes.writeUInt16LE(checked(length), start);
    this.#bytes.writeUInt16LE(type, start + 2);
  }

  /** @returns where so many bytes, padded with zeros, begin */
  #room(length: number): number {
    const start = this.#length;
    this.#length += padded(length);
    if (this.#length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], Math.max(this.#length, 2 * this.#bytes.length));
    this.#bytes.writeUInt32LE(0, this.#length - 4);
    return start;
  }
}

function checked(length: number): number {
  if (length > 0xffff) throw new WireError(`an attribute of ${length} bytes`);
  return length;
}

/** Takes a datagram of the kernel's apart. @throws WireError */
export function messagesIn(datagram: Buffer): Message[] {
  const found: Message[] = []; // bounded: by the datagram
  for (let at = 0; at < datagram.length; ) {
    const length = datagram.length - at < HEADER ? 0 : datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) throw new WireError("a message that is cut short");
    found.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + HEADER, at + length),
    });
    at += padded(length);
  }
  return found;
}

/** @returns what NLMSG_ERROR says: an errno(3), 0 for "done as asked". @throws WireError */
export function errnoOf({ body }: Message): number {
  if (body.length < 4) throw new WireError("an error without a number");
  return -body.readInt32LE(0);
}

/** Where an attribute's value begins and ends in the bytes that were looked through. */
export type Visit = (type: number, start: number, end: number) => void;

/** Looks through the attributes of a netfilter message. @throws WireError */
export const attributesOf = ({ body }: Message, visit: Visit): void =>
  attributesIn(body, NF_HEADER, body.length, visit);

/** Looks through attributes, in order; nothing is copied, for a listing has millions. @throws WireError */
export function attributesIn(bytes: Buffer, start: number, end: number, visit: Visit): void {
  for (let at = start; at < end; ) {
    const length = end - at < ATTRIBUTE_HEADER ? 0 : bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER || at + length > end) throw new WireError("an attribute that is cut short");
    visit(bytes.readUInt16LE(at + 2) & TYPE_BITS, at + ATTRIBUTE_HEADER, at + length);
    at += padded(length);
  }
}
