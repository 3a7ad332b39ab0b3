import ipaddr from "ipaddr.js";
import type { Network } from "./network.ts";

/**
 * An IP address in its one canonical text form: `192.0.2.1`, `2001:db8::1` (RFC 5952), or an IPv6 /64 as
 * `2001:db8:1:2::/64`. IPv4-mapped IPv6 is folded to IPv4. Only the functions here make one, so whoever
 * holds an Address may paste it into nft text.
 */
export type Address = Network & { readonly __address: unique symbol };

/** What an address is for; grants are refused for all but `public` and, by setting, `private`. */
export type AddressKind =
  | "public"
  | "private"
  | "loopback"
  | "multicast"
  | "unspecified"
  | "broadcast"
  | "link-local";

/** IPv4 in four decimal parts, no other form. A look at the kernel reads one for each element of each set: no parser. */
const CANONICAL_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/**
 * Parses one host address.
 * @returns the canonical Address, or undefined for anything else: names, zones (`fe80::1%eth0`), prefixes,
 *   and IPv4 in other than four decimal parts (`192.0.2`, `0x7f.1`, which inet_aton(3) would take).
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > 45) return undefined;
  if (CANONICAL_IPV4.test(text)) return text as Address;
  if (!text.includes(":") || text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  if (text.includes(".") && !/^::ffff:[0-9.]+$/i.test(text)) return undefined; // ::1.2.3.4, deprecated by RFC 4291
  return ipaddr.process(text).toString() as Address;
}

/** Parses what a grant may open for: a host address, or an IPv6 /64. @returns undefined for anything else. */
export function parseGrantAddress(text: string): Address | undefined {
  const [host = "", bits, rest] = text.split("/");
  const address = parseAddress(host);
  if (address === undefined || rest !== undefined) return undefined;
  if (bits === undefined) return address;
  if (bits === "64" && familyOf(address) === 6) return prefix64(address);
  return bits === (familyOf(address) === 4 ? "32" : "128") ? address : undefined;
}

/** @returns 4 or 6. */
export function familyOf(address: Network): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** @returns true for an IPv6 /64, false for a single host. */
export function isPrefix(address: Address): boolean {
  return address.endsWith("/64");
}

/** @returns the /64 that holds an IPv6 address (itself when it is one); IPv4 unchanged. */
export function prefix64(address: Address): Address {
  if (familyOf(address) === 4 || isPrefix(address)) return address;
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${new ipaddr.IPv6([...parts, 0, 0, 0, 0]).toString()}/64` as Address;
}

/** @returns the 4 or 16 bytes of a host address. */
export function bytesOf(address: Address): number[] {
  if (!address.includes(":")) return address.split(".").map(Number); // asked for with each grant
  return ipaddr.parse(address).toByteArray();
}

/** @returns the host address of 4 or 16 bytes. */
export function addressFrom(bytes: readonly number[]): Address {
  return ipaddr.fromByteArray([...bytes]).toString() as Address;
}

const KINDS: Record<string, AddressKind> = {
  unspecified: "unspecified",
  broadcast: "broadcast",
  multicast: "multicast",
  linkLocal: "link-local",
  loopback: "loopback",
  private: "private",
  uniqueLocal: "private",
  carrierGradeNat: "private",
};

/** @returns what the address (of a /64: its first address) is for, after the IANA special-purpose registries. */
export function kindOf(address: Address): AddressKind {
  if (familyOf(address) === 4) return kindOf4(address);
  return KINDS[ipaddr.parse(address.replace("/64", "")).range()] ?? "public";
}

/** By hand, for a knock waits for it: the package's parser and table take ten times as long. */
function kindOf4(address: Address): AddressKind {
  const [a = 0, b = 0] = address.split(".", 2).map(Number);
  if (a === 0) return "unspecified";
  if (a === 127) return "loopback";
  if (a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168)) return "private";
  if (a === 100 && b >> 6 === 1) return "private"; // carriers' NAT
  if (a === 169 && b === 254) return "link-local";
  if (a >> 4 === 14) return "multicast";
  return address === "255.255.255.255" ? "broadcast" : "public";
}
