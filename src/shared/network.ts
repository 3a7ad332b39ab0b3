import { type Address, addressFrom, bytesOf, familyOf, parseAddress } from "./address.ts";

/**
 * An IP network in its one canonical text form: `192.0.2.0/24`, `2001:db8::/32`. A network of one address is written
 * as the address, so that every Address (a host, or an IPv6 /64) is a Network too. Only the functions here and in
 * address.ts make one, so whoever holds a Network may paste its first address into nft text.
 */
export type Network = string & { readonly __network: unique symbol };

/** A prefix length of one of the two families. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly length: number;
}

/** What can be wrong with a text that looks like a network. */
export type NetworkParse =
  | { readonly ok: true; readonly network: Network }
  /** Bits beyond the prefix are set: `meant` is the network around it. */
  | { readonly ok: false; readonly meant: Network };

/** The prefix lengths of single addresses. */
export const HOST_PREFIXES: readonly Prefix[] = [
  { family: 4, length: 32 },
  { family: 6, length: 128 },
];

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/**
 * Parses an address or a network in CIDR notation (RFC 4632, RFC 4291).
 * @returns undefined for what is neither: names, zones, prefixes that are too long
 */
export function parseNetwork(text: string): NetworkParse | undefined {
  const [host = "", bits, rest] = text.split("/");
  const address = parseAddress(host);
  if (address === undefined || rest !== undefined) return undefined;
  if (bits === undefined) return { ok: true, network: address };
  if (!/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > bitsOf(familyOf(address))) return undefined;
  const network = networkAround(address, Number(bits));
  return firstOf(network) === address ? { ok: true, network } : { ok: false, meant: network };
}

/** @returns the network of that many bits that an address (of a network: its first one) is in */
export function networkAround(address: Network, length: number): Network {
  const first = maskedTo(firstOf(address), length);
  return (length === bitsOf(familyOf(first)) ? first : `${first}/${length}`) as Network;
}

/** @returns the first address of a network, its key in a set */
export function firstOf(network: Network): Address {
  const end = network.indexOf("/");
  return (end === -1 ? network : network.slice(0, end)) as Address;
}

/** @returns family and length: an address is a network of 32 or 128 bits */
export function prefixOf(network: Network): Prefix {
  const family = familyOf(network);
  const length = /\/(\d+)$/.exec(network)?.[1];
  return { family, length: length === undefined ? bitsOf(family) : Number(length) };
}

/** @returns true for one address or an IPv6 /64: what a grant may be for */
export function isAddress(network: Network): network is Address {
  return !network.includes("/") || (network.endsWith("/64") && familyOf(network) === 6);
}

/** @returns the netmask of a prefix, `255.255.255.0` or `ffff:ffff::` */
export function maskOf({ family, length }: Prefix): string {
  const ones = family === 4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  return maskedTo(ones as Address, length);
}

/** @returns how many addresses a prefix holds, for people: `16,777,216`, `2^96` */
export function sizeOf({ family, length }: Prefix): string {
  const bits = bitsOf(family) - length;
  return bits > 32 ? `2^${bits}` : (2 ** bits).toLocaleString("en-US");
}

function maskedTo(address: Address, length: number): Address {
  return addressFrom(
    bytesOf(address).map((byte, at) => {
      const kept = Math.max(0, Math.min(8, length - at * 8));
      return byte & (0xff00 >> kept) & 0xff;
    }),
  );
}
