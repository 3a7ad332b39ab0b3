/** How many SYNs the kernel has reported, and how many of them were read, both since some time in the past. */
export interface Counts {
  readonly reported: number;
  readonly read: number;
}

/** A look may meet SYNs that are on their way. */
const IN_FLIGHT = 200;

/**
 * Compares two looks at the counts. (What tcpdump says of its losses is no use: on NFLOG it counts a kernel's warning
 * for nearly every packet that came through.)
 * @param before undefined at the first look, from which nothing can be told
 * @returns how many were lost in between; 0 where they may be on their way, and where a new table counts anew
 */
export function lostBetween(before: Counts | undefined, now: Counts): number {
  if (before === undefined || now.reported < before.reported) return 0;
  const lost = now.reported - before.reported - (now.read - before.read);
  return lost > IN_FLIGHT || isDeaf(before, now) ? Math.max(0, lost) : 0;
}

/** @returns true when SYNs were reported and not one was read */
export function isDeaf(before: Counts | undefined, now: Counts): boolean {
  return before !== undefined && now.reported > before.reported && now.read === before.read;
}
