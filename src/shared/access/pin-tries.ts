import { type Duration, days } from "../duration.ts";
import type { Caller } from "../gate/phone-verbs.ts";
import { type GateState, MAX_TRIES } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { CAPS, type Counted, countTry, isKnown, NO_TRIES, OTP_CAPS, rightTry } from "./tries.ts";

/** The buckets of all together who were not right of late: callers from outside, and phones in the house. */
const TOGETHER = { external: "pin/strangers", internal: "pin/new-phones" } as const;
/** Buckets of those who can give themselves another name: callers from outside, and sources of knocks. */
const FORGEABLE = /^(pin\/external\/|otp\/[^/]+\/)/;
/** Buckets under a name that phone-auth gave: of these only so many are kept, whatever it says. */
const NAMED = /^pin\/(external|internal)\//;
/** Buckets of those who were right once, and users' totals, are forgotten when idle for longer; all others after two days. */
const FORGET_AFTER = days(91);

/**
 * Counts a PIN before it is compared, in the caller's own bucket, and that of one who was not right in the last 90 days
 * also in the bucket of all such. Internal callers go by their endpoint and have one of their own, so that strangers never
 * slow them.
 * @returns for how long to wait; undefined: go on and compare
 */
export function countPin(state: GateState, tx: Transaction, caller: Caller): Duration | undefined {
  const key = pinKey(caller);
  const { wall } = tx.now;
  const own = state.tries.get(key) ?? NO_TRIES;
  const counted = countTry(own, wall, CAPS.own);
  if (!counted.go) return counted.wait;
  if (!isKnown(own, wall)) {
    const all = countTogether(state, caller.lane, wall);
    if (!all.go) return all.wait;
    tx.setTries(TOGETHER[caller.lane], all.tries);
    // said once a day, not to each who comes too late: there may be any number of them
    if (all.tries.today === CAPS[caller.lane])
      tx.note("pin-locked", { by: "phone", reason: LOCKED[caller.lane] });
  }
  makeRoom(state, tx);
  tx.setTries(key, counted.tries);
  return undefined;
}

const LOCKED = {
  external: `${CAPS.external} tries of strangers today: only known callers and internal phones until midnight UTC`,
  internal: `${CAPS.internal} tries of new internal phones today: only those that were right before until midnight UTC`,
} as const;

/** Counts by the day's cap only: one caller's wait must not be another's. */
function countTogether(state: GateState, lane: Caller["lane"], now: number): Counted {
  return countTry({ ...(state.tries.get(TOGETHER[lane]) ?? NO_TRIES), wrong: 0 }, now, CAPS[lane]);
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
    (who === "strangers" && (key === TOGETHER.external || key === TOGETHER.internal)) ||
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
  const strangers = countTogether(state, "external", now);
  const waiting = { internal: 0, external: 0, codes: 0, strangers: !strangers.go };
  for (const [key, tries] of state.tries) {
    const lane = NAMED.exec(key)?.[1] as Caller["lane"] | undefined;
    if (lane !== undefined && !countTry(tries, now, CAPS.own).go) waiting[lane] += 1;
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

/** What a user's knocks used up stays until an admin unlocks it, a right code comes, or FORGET_AFTER is over. */
function isUserTotal(key: string): boolean {
  return /^otp\/[^/]+$/.test(key);
}

/** Callers and sources can be forged without end: the oldest stranger makes room; where there is none, the oldest caller. */
export function makeRoom(state: GateState, tx: Transaction): void {
  if (state.tries.size < MAX_TRIES) return;
  const all = [...state.tries];
  const oldest =
    all.find(([key, { good }]) => FORGEABLE.test(key) && good === null) ??
    all.find(([key]) => NAMED.test(key));
  if (oldest !== undefined) tx.setTries(oldest[0], undefined);
}
