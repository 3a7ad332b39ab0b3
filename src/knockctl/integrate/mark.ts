/** The mark's value as the kernel compares it: `(mark & mask) == value`, or what is written into it under a mask. */
export interface Masked {
  readonly value: number;
  readonly mask: number;
}

/** All 32 bits: a rule without a mask. */
export const WHOLE = 0xffffffff;

const hex = (n: number): string => (n >>> 0).toString(16);

/** @returns the accept-mark rule as arguments of iptables, in the spelling of iptables-save */
export function iptablesRule(mark: number): string[] {
  return ["-m", "mark", "--mark", `0x${hex(mark)}/0x${hex(mark)}`, "-j", "ACCEPT"];
}

/** @returns the accept-mark rule as nft prints it */
export function nftRule(mark: number): string {
  const bit = `0x${hex(mark).padStart(8, "0")}`;
  return `meta mark & ${bit} == ${bit} accept`;
}

/**
 * Whether a rule of somebody else's works with our bit. A comparison or an assignment of the whole mark does not by
 * itself: other software sets its own bits that way. A field of several bits that has ours among them does.
 */
export function touches({ value, mask }: Masked, bit: number): boolean {
  if ((value & bit) !== 0) return true;
  return mask >>> 0 !== WHOLE && (mask & bit) !== 0;
}
