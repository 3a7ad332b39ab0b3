import { type Duration, days } from "../duration.ts";
import type { Caller } from "../gate/phone-verbs.ts";
import { type GateState, MAX_TRIES } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { CAPS, countTry, isKnown, NO_TRIES, OTP_CAPS, rightTry } from "./tries.ts";

/** The bucket of all strangers together. */
const STRANGERS = "pin/strangers";
/** Buckets of those who can give themselves another name: callers from outside, and sources of knocks. */
const FORGEABLE = /^(pin\/external\/|otp\/[^/]+\/)/;
/** Buckets idle for longer are forgotten, unless their caller was right within the time that earns one. */
const FORGET_AFTER = days(91);

/**
 * Counts a PIN before it is compared, in the caller's own bucket, and a stranger's also in that of all strangers.
 * Internal callers go by their endpoint, so that strangers never slow them; a caller who was right in the last 90 days
 * has a bucket of his own.
 * @returns for how long to wait; undefined: go on and compare
 */
export function countPin(state: GateState, tx: Transaction, caller: Caller): Duration | undefined {
  const key = pinKey(caller);
  const { wall } = tx.now;
  const own = state.tries.get(key) ?? NO_TRIES;
  const stranger = caller.lane === "external" && !isKnown(own, wall);
  const counted = countTry(own, wall, caller.lane === "internal" ? CAPS.internal : CAPS.known);
  if (!counted.go) return counted.wait;
  if (stranger) {
    // the day's cap only: one stranger's wait must not be another's
    const all = countTry({ ...(state.tries.get(STRANGERS) ?? NO_TRIES), wrong: 0 }, wall, CAPS.strangers);
    if (!all.go) {
      tx.note("pin-locked", {
        by: "phone",
        reason: `${CAPS.strangers} tries of strangers today: only known callers and internal phones until midnight UTC`,
      });
      return all.wait;
    }
    tx.setTries(STRANGERS, all.tries);
  }
  makeRoom(state, tx);
  tx.setTries(key, counted.tries);
  return undefined;
}

/** The PIN was right: the caller's wrong tries are forgiven, and he is known for 90 days. */
export function rightPin(state: GateState, tx: Transaction, caller: Caller): void {
  const key = pinKey(caller);
  tx.setTries(key, rightTry(state.tries.get(key) ?? NO_TRIES, tx.now.wall));
}

/** Forgives wrong tries by what an admin names. @returns the buckets, for people */
export function unlock(state: GateState, tx: Transaction, who: string): string[] {
  const matches = (key: string): boolean =>
    who === "all" ||
    (who === "strangers" && key === STRANGERS) ||
    key === `pin/internal/${who}` ||
    key === `pin/external/${who}` ||
    key === `otp/${who}` ||
    key.startsWith(`otp/${who}/`) ||
    key === `call/${who}` ||
    key.startsWith(`call/${who}/`);
  const unlocked = [...state.tries].filter(([key, tries]) => matches(key) && tries.last > 0);
  for (const [key, { good }] of unlocked) tx.setTries(key, good === null ? undefined : { ...NO_TRIES, good });
  if (unlocked.length > 0) tx.note("unlocked", { by: "admin", reason: who });
  return unlocked.map(([key]) => key);
}

/** How many callers wait now, by lane; whether strangers had their tries of the day; how many users' codes are locked. */
export function countWaiting(state: GateState, now: number) {
  const strangers = countTry({ ...(state.tries.get(STRANGERS) ?? NO_TRIES), wrong: 0 }, now, CAPS.strangers);
  const waiting = { internal: 0, external: 0, codes: 0, strangers: !strangers.go };
  for (const [key, tries] of state.tries) {
    const lane = /^pin\/(internal|external)\//.exec(key)?.[1] as "internal" | "external" | undefined;
    const most = lane === "internal" ? CAPS.internal : CAPS.known;
    if (lane !== undefined && !countTry(tries, now, most).go) waiting[lane] += 1;
    if (isUserTotal(key) && tries.wrong >= OTP_CAPS.user) waiting.codes += 1;
  }
  return waiting;
}

/** Forgets what is long past. */
export function forgetTries(state: GateState, tx: Transaction): void {
  for (const [key, tries] of [...state.tries]) {
    const last = Math.max(tries.last, tries.good ?? 0);
    if (
      tx.now.wall - last > FORGET_AFTER ||
      (tries.good === null && tx.now.wall - last > days(2) && !isUserTotal(key))
    ) {
      tx.setTries(key, undefined);
    }
  }
}

function pinKey({ lane, endpoint, number }: Caller): string {
  return lane === "internal" ? `pin/internal/${endpoint}` : `pin/external/${number ?? "withheld"}`;
}

/** What a user's knocks used up stays until an admin unlocks it, or a right code comes. */
function isUserTotal(key: string): boolean {
  return /^otp\/[^/]+$/.test(key);
}

/** Callers and sources can be forged without end: the oldest stranger makes room. */
export function makeRoom(state: GateState, tx: Transaction): void {
  if (state.tries.size < MAX_TRIES) return;
  const oldest = [...state.tries].find(([key, { good }]) => FORGEABLE.test(key) && good === null);
  if (oldest !== undefined) tx.setTries(oldest[0], undefined);
}
