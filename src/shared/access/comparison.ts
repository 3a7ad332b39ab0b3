import type { Element } from "../firewall/firewall.ts";
import { type Breathe, inSlices } from "../slices.ts";
import type { Picture, Projected } from "./picture.ts";

/** How far the kernel's time left may be from the ledger's; what is left of less may have ended in one and not in the other. ms */
export const TOLERANCE = 2_000;

/** What the kernel was seen to hold. */
export interface Seen {
  readonly elements: readonly Element[];
  /** For how long it was looked at, until `uptime`: how old a time left may be. ms */
  readonly took: number;
  readonly uptime: number;
}

/** What is not as it should be. */
export interface Wrong {
  /** What the kernel holds and nobody wants. */
  readonly unknown: readonly Element[];
  /** What it lacks, or holds with another end. */
  readonly missing: readonly Projected[];
  /** Nothing of what is wanted ends by itself. */
  readonly lasts: boolean;
}

/**
 * Compares what the kernel holds with what it should hold.
 * @param shortest what has no more time left than this is not missed. ms
 */
export async function compare(
  { elements, took, uptime }: Seen,
  wanted: Picture,
  shortest: number,
  breathe: Breathe,
): Promise<Wrong> {
  const unknown: Element[] = [];
  const missing: Projected[] = [];
  // Not taken out of what is wanted: a set that the kernel resizes may be listed with an element twice.
  const right = new Set<Projected>(); // bounded: by what is wanted
  const tolerance = TOLERANCE + took;
  await inSlices(elements, breathe, (found) => {
    const element = wanted.get(found.set, found.key);
    if (element === undefined) {
      if (found.ttl > tolerance) unknown.push(found);
    } else if (isClose(found.ttl, element.ends - uptime, tolerance)) right.add(element);
  });
  let lasts = true;
  await inSlices(wanted, breathe, (element) => {
    if (element.ends < Number.POSITIVE_INFINITY) lasts = false;
    if (element.ends - uptime > shortest && !right.has(element)) missing.push(element);
  });
  return { unknown, missing, lasts };
}

/** Time without end is close only to time without end. */
const isClose = (ttl: number, left: number, tolerance: number): boolean =>
  ttl === left || Math.abs(ttl - left) <= tolerance;
