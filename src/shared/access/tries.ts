import { type Duration, days, hours, milliseconds, seconds } from "../duration.ts";
import { KNOWN_CALLERS_A_DAY, STRANGERS_A_DAY } from "../users/pin.ts";

/**
 * What is remembered of somebody's tries, in the store: a restart forgives nothing. Times are wall clock ms, for they
 * must outlive a reboot; a clock that is set back only lengthens a wait.
 */
export interface Tries {
  /** Wrong tries since the last right one, or since a day without any. */
  readonly wrong: number;
  /** The last try. */
  readonly last: number;
  /** The day that `today` counts, from 1970. */
  readonly day: number;
  readonly today: number;
  /** The last right try; null: never. */
  readonly good: number | null;
}

/** Somebody of whom nothing is known. */
export const NO_TRIES: Tries = { wrong: 0, last: 0, day: 0, today: 0, good: null };

/** Wrong tries without a wait: one call's worth. */
const FREE = 3;
const FIRST_WAIT = seconds(30);
const LONGEST_WAIT = hours(1);
/**
 * A right try earns a caller a bucket of his own for so long: strangers who fill theirs do not shut him out. Only who forges
 * numbers of known callers can.
 */
const GOOD_FOR = days(90);
/** Tries a day in a bucket of one's own. */
const KNOWN_A_DAY = 50;

/** What a counted try came to: go on and compare, or come back later. */
export type Counted =
  | { readonly go: true; readonly tries: Tries }
  | { readonly go: false; readonly wait: Duration; readonly why: "delay" | "cap" };

/** @returns true when the bucket belongs to somebody who was right not long ago */
export function isKnown(tries: Tries, now: number): boolean {
  return tries.good !== null && now - tries.good <= GOOD_FOR;
}

/** Counts a try before it is compared. `mostToday`: how many tries the bucket has in a day. */
export function countTry(tries: Tries, now: number, mostToday: number): Counted {
  const day = Math.floor(now / days(1));
  const at = Math.max(now, tries.last);
  const rested = at - tries.last >= days(1);
  const wrong = rested ? 0 : tries.wrong;
  const wait = tries.last + delay(wrong) - now;
  if (wrong > 0 && wait > 0) return { go: false, wait: milliseconds(wait), why: "delay" };
  const today = tries.day >= day ? tries.today : 0;
  if (today >= mostToday) return { go: false, wait: milliseconds((day + 1) * days(1) - now), why: "cap" };
  return {
    go: true,
    tries: { wrong: wrong + 1, last: at, day: Math.max(day, tries.day), today: today + 1, good: tries.good },
  };
}

/** Takes a try of the day back that was right after all. */
export function uncounted(tries: Tries, now: number): Tries {
  const isToday = tries.day === Math.floor(now / days(1));
  return isToday ? { ...tries, today: Math.max(0, tries.today - 1) } : tries;
}

/** The tries after a right one: its counting is taken back, not the day's. */
export function rightTry(tries: Tries, now: number): Tries {
  return { ...tries, wrong: 0, good: now };
}

/** How long to wait after so many wrong tries: nothing for one call's worth, then twice as long each time. */
export function delay(wrong: number): Duration {
  if (wrong < FREE) return milliseconds(0);
  return milliseconds(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(20, wrong - FREE)));
}

/**
 * Tries a day of phones in the house of which none was right in 90 days, in all. phone-auth says which phone it is: this
 * ends what it could guess if it were taken over.
 */
const NEW_PHONES_A_DAY = 1_000;

/** Tries a day in a bucket of one's own, and in those of many together: strangers, known callers from outside, new phones. */
export const CAPS = {
  own: KNOWN_A_DAY,
  strangers: STRANGERS_A_DAY,
  callers: KNOWN_CALLERS_A_DAY,
  phones: NEW_PHONES_A_DAY,
} as const;
/** Wrong authenticator codes: an hour's for one source, a user's in all until an admin unlocks. */
export const OTP_CAPS = { source: 5, user: 60 } as const;
/** Call-backs to one user. */
export const CALLBACK_CAPS = { hour: 3, day: 10, hold: hours(1) } as const;
