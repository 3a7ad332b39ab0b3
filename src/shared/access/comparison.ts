import type { Change, Element } from "../firewall/firewall.ts";
import { type Breathe, inSlices } from "../slices.ts";
import type { Picture, Projected } from "./picture.ts";
import { put } from "./projection.ts";

/** How far the kernel's time left may be from the ledger's, and what is too short to mend. ms */
const TOLERANCE = 2_000;

/** What the kernel was seen to hold. */
export interface Seen {
  readonly elements: readonly Element[];
  /** For how long it was looked at, until `uptime`: how old a time left may be. ms */
  readonly took: number;
  readonly uptime: number;
}

/**
 * Compares what the kernel holds with what it should hold.
 * @returns the changes that would mend it
 */
export async function compare(
  { elements, took, uptime }: Seen,
  wanted: Picture,
  breathe: Breathe,
): Promise<Change[]> {
  const changes: Change[] = [];
  // Not taken out of what is wanted: a set that the kernel resizes may be listed with an element twice.
  const right = new Set<Projected>(); // bounded: by what is wanted
  const tolerance = TOLERANCE + took;
  await inSlices(elements, breathe, ({ set, key, ttl }) => {
    const element = wanted.get(set, key);
    if (element === undefined) {
      if (ttl > tolerance) changes.push({ op: "drop", set, key });
    } else if (isClose(ttl, element.ends - uptime, tolerance)) right.add(element);
  });
  await inSlices(wanted, breathe, (element) => {
    if (element.ends - uptime > TOLERANCE && !right.has(element)) changes.push(put(element, uptime));
  });
  return changes;
}

/** Time without end is close only to time without end. */
const isClose = (ttl: number, left: number, tolerance: number): boolean =>
  ttl === left || Math.abs(ttl - left) <= tolerance;
