import { type Address, addressFrom, bytesOf } from "../../address.ts";
import { isKey } from "../keys.ts";

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

/** What a part of a key is, by its type: how long, and how it is written. */
const PARTS: Readonly<Record<number, { readonly length: number; readonly text: (bytes: Buffer) => string }>> =
  {
    [NFPROTO]: {
      length: 1,
      text: ([number]) => Object.keys(FAMILIES).find((name) => FAMILIES[name] === number) ?? "",
    },
    [IPV4_ADDR]: { length: 4, text: (bytes) => bytes.join(".") },
    [IPV6_ADDR]: { length: 16, text: (bytes) => addressFrom([...bytes]) },
    [INET_SERVICE]: { length: 2, text: (bytes) => `${bytes.readUInt16BE()}` },
  };

/**
 * Writes a key as it was put.
 * @param type the set's key type, as nft made a note of it
 * @returns `0x...` for what we would not have put: other types, IPv4-mapped addresses
 */
export function keyText(type: number, bytes: Buffer): string {
  const texts: string[] = [];
  let at = 0;
  for (const part of typesOf(type).map((one) => PARTS[one])) {
    if (part === undefined || at + part.length > bytes.length) return raw(bytes);
    texts.push(part.text(bytes.subarray(at, at + part.length)));
    at += registers(part.length);
  }
  const text = texts.join(" . ");
  return isKey(text) ? text : raw(bytes);
}

const raw = (bytes: Buffer): string => `0x${bytes.toString("hex")}`;

function typesOf(type: number): number[] {
  const rest = type >>> TYPE_BITS;
  return [...(rest === 0 ? [] : typesOf(rest)), type & ((1 << TYPE_BITS) - 1)];
}
