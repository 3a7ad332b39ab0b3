import type { Duration } from "./duration.ts";

/** A number of things allowed in a span of time; what is beyond is counted. */
export interface Allowance {
  readonly most: number;
  readonly span: Duration;
  since: number;
  taken: number;
  missed: number;
}

/** @returns an allowance of `most` things in each `span` */
export function allowance(most: number, span: Duration): Allowance {
  return { most, span, since: Number.NEGATIVE_INFINITY, taken: 0, missed: 0 };
}

/** Takes one, if there is one left. @returns also how many were missed in the span that ended just now. `now` monotonic ms */
export function take(of: Allowance, now: number): { granted: boolean; missed: number } {
  let missed = 0;
  if (now - of.since >= of.span) {
    missed = of.missed;
    Object.assign(of, { since: now, taken: 0, missed: 0 });
  }
  const granted = of.taken < of.most;
  if (granted) of.taken += 1;
  else of.missed += 1;
  return { granted, missed };
}
