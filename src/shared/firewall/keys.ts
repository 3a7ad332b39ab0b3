import { parseAddress } from "../address.ts";

/** An address in canonical form, never a name: nft would ask the resolver. */
const isAddress = (text: string): boolean => parseAddress(text) === text;
const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;

/** What each part of a key may look like, by its nft type. */
const FORMS: Record<string, (text: string) => boolean> = {
  ipv4_addr: (text) => isAddress(text) && !text.includes(":"),
  ipv6_addr: (text) => isAddress(text) && text.includes(":"),
  inet_service: isPort,
  nfproto: (text) => text === "ipv4" || text === "ipv6",
};

/** @returns true for a key that may be pasted into nft text: addresses, ports and families, joined by ` . `. */
export function isKey(text: string): boolean {
  return text.split(" . ").every((part) => Object.values(FORMS).some((fits) => fits(part)));
}

/** @returns true when a key is of a set's type, given as `type ipv4_addr . inet_service` or `typeof meta nfproto`. */
export function isKeyOf(type: string, key: string): boolean {
  const types = type.replace(/^type(of meta)? /, "").split(" . ");
  const parts = key.split(" . ");
  return types.length === parts.length && parts.every((part, i) => FORMS[types[i] ?? ""]?.(part) ?? false);
}

/** @returns a key as it was put, from the parts that a listing prints. */
export function keyFrom(parts: readonly (string | number)[]): string {
  return parts.map((part) => canonical(String(part))).join(" . ");
}

/** libc prints the last four bytes of `::102:304` as IPv4; our address parser reads that as the IPv4 address. */
function canonical(text: string): string {
  const compatible = /^::(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number);
  if (compatible === undefined) return parseAddress(text) ?? text;
  const [a = 0, b = 0, c = 0, d = 0] = compatible;
  return `::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
