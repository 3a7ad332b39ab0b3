import { type Duration, milliseconds } from "../../shared/duration.ts";

const FIRST = 100;
/** Asterisk's return is noticed within this and the time limit of one try: together under 5 s. */
const LONGEST = 2_000;

/**
 * How long to wait before the next try: twice as long each time, up to 2 s, jittered down by up to half, so that
 * those who lost the same server do not come back in step.
 * @param tries failed so far in a row, from 1
 * @param random uniform in [0, 1)
 */
export function backoff(tries: number, random: number): Duration {
  const span = Math.min(LONGEST, FIRST * 2 ** Math.min(tries - 1, 10));
  return milliseconds(Math.round(span * (1 - random / 2)));
}
