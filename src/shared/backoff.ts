import { type Duration, milliseconds, seconds } from "./duration.ts";

const FIRST = 100;

/**
 * How long to wait before the next try: twice as long each time, from 100 ms on, jittered down by up to half, so that
 * those who lost the same server do not come back in step.
 * @param tries failed so far in a row, from 1
 * @param random uniform in [0, 1)
 * @param longest how long the wait grows: by default an Asterisk's return is noticed within it and one try, under 5 s
 */
export function backoff(tries: number, random: number, longest = seconds(2)): Duration {
  const span = Math.min(longest, FIRST * 2 ** Math.min(tries - 1, 20));
  return milliseconds(Math.round(span * (1 - random / 2)));
}
