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

/** @returns true for a key that we may put: addresses, ports and families, joined by ` . `. */
export function isKey(text: string): boolean {
  return text.split(" . ").every((part) => Object.values(FORMS).some((fits) => fits(part)));
}

/** The element that every packet matches which matches no other: never ours. */
export const CATCH_ALL = "*";

/** @returns true for a key that only somebody else can have put, as it is read: `0x` and its bytes, or CATCH_ALL. */
export const isForeignKey = (text: string): boolean =>
  text === CATCH_ALL || /^0x([0-9a-f]{2}){1,64}$/.test(text);

/** @returns true when a key is of a set's type, given as `type ipv4_addr . inet_service` or `typeof meta nfproto`. */
export function isKeyOf(type: string, key: string): boolean {
  const types = type.replace(/^type(of meta)? /, "").split(" . ");
  const parts = key.split(" . ");
  return types.length === parts.length && parts.every((part, i) => FORMS[types[i] ?? ""]?.(part) ?? false);
}
