import { type Address, addressFrom, bytesOf, parseAddress } from "../../address.ts";

/** nft's numbers for the types of a key, of which the kernel only keeps a note (nftables: include/datatype.h). */
const NFPROTO = 2;
const IPV4_ADDR = 7;
const IPV6_ADDR = 8;
const INET_SERVICE = 13;
/** A joined key's type: those of its parts, so many bits each, the first in the highest. */
const TYPE_BITS = 6;

/** NFPROTO_IPV4 and NFPROTO_IPV6 (linux/netfilter.h). */
const FAMILIES: Readonly<Record<string, number>> = { ipv4: 2, ipv6: 10 };

const registers = (length: number): number => (length + 3) & ~3;

/** @returns the bytes that the kernel holds of a key that `isKey`; each part of a joined one fills up its registers. */
export function keyBytes(key: string): Buffer {
  const [first, ...others] = key.split(" . ").map(partBytes);
  if (first === undefined || others.length === 0) return first ?? Buffer.alloc(0);
  return Buffer.concat([first, ...others].map((part) => Buffer.concat([part], registers(part.length))));
}

function partBytes(part: string): Buffer {
  const family = FAMILIES[part];
  if (family !== undefined) return Buffer.from([family]);
  if (part.startsWith("0x")) return Buffer.from(part.slice(2), "hex");
  if (!/^\d+$/.test(part)) return Buffer.from(bytesOf(part as Address));
  const port = Buffer.alloc(2);
  port.writeUInt16BE(Number(part));
  return port;
}

/** What a part of a key is, by its type: how long, and how it is written; undefined for what is never written so. */
const PARTS: Readonly<
  Record<
    number,
    { readonly length: number; readonly text: (bytes: Buffer, at: number) => string | undefined }
  >
> = {
  [NFPROTO]: {
    length: 1,
    text: (bytes, at) => Object.keys(FAMILIES).find((name) => FAMILIES[name] === bytes[at]),
  },
  [IPV4_ADDR]: {
    length: 4,
    text: (bytes, at) => `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`,
  },
  [IPV6_ADDR]: { length: 16, text: ipv6Text },
  [INET_SERVICE]: { length: 2, text: (bytes, at) => `${bytes.readUInt16BE(at)}` },
};

function ipv6Text(bytes: Buffer, at: number): string | undefined {
  const text = addressFrom([...bytes.subarray(at, at + 16)]);
  return parseAddress(text) === text ? text : undefined; // IPv4-mapped
}

/**
 * Writes a key as it was put.
 * @param type the set's key type, as nft made a note of it
 * @returns `0x...` for what we would not have put: other types, IPv4-mapped addresses
 */
export function keyText(type: number, bytes: Buffer): string {
  let text = "";
  let at = 0;
  for (const part of typesOf(type).map((one) => PARTS[one])) {
    const fits = part !== undefined && at + part.length <= bytes.length;
    const word = fits ? part.text(bytes, at) : undefined;
    if (word === undefined) return raw(bytes);
    text += at === 0 ? word : ` . ${word}`;
    at += registers(part?.length ?? 0);
  }
  return text;
}

const raw = (bytes: Buffer): string => `0x${bytes.toString("hex")}`;

function typesOf(type: number): number[] {
  const rest = type >>> TYPE_BITS;
  return [...(rest === 0 ? [] : typesOf(rest)), type & ((1 << TYPE_BITS) - 1)];
}
