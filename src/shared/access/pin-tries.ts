import { type Duration, days } from "../duration.ts";
import type { Caller } from "../gate/phone-verbs.ts";
import { type GateState, MAX_TRIES } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { CAPS, type Counted, countTry, isKnown, NO_TRIES, OTP_CAPS, rightTry, uncounted } from "./tries.ts";

/**
 * The buckets of many together: strangers from outside, callers from outside who were right of late (each can be forged, and
 * so many numbers would be so many buckets), and phones in the house that were not right of late.
 */
const TOGETHER = {
  strangers: "pin/strangers",
  callers: "pin/known-callers",
  phones: "pin/new-phones",
} as const;
type Together = keyof typeof TOGETHER;
/** Buckets of those who can give themselves another name: callers from outside, and sources of knocks. */
const FORGEABLE = /^(pin\/external\/|otp\/[^/]+\/)/;
/** Buckets under a name that phone-auth gave: of these only so many are kept, whatever it says. */
const NAMED = /^pin\/(external|internal)\//;
/** Buckets of those who were right once, and users' totals, are forgotten when idle for longer; all others after two days. */
const FORGET_AFTER = days(91);

/** What the counting of a PIN came to. `together`: the bucket of many that it is counted in as well. */
export type PinCount =
  | { readonly go: true; readonly together: Together | undefined }
  | { readonly go: false; readonly wait: Duration };

/**
 * Counts a PIN before it is compared, in the caller's own bucket, and in the bucket of many that he belongs to. Internal callers
 * go by their endpoint, which no caller can forge: those who were right in the last 90 days have their own alone.
 * @returns whether to go on and compare, or for how long to wait
 */
export function countPin(state: GateState, tx: Transaction, caller: Caller): PinCount {
  const key = pinKey(caller);
  const { wall } = tx.now;
  const own = state.tries.get(key) ?? NO_TRIES;
  const counted = countTry(own, wall, CAPS.own);
  if (!counted.go) return counted;
  const together = togetherOf(caller, isKnown(own, wall));
  if (together !== undefined) {
    const all = countTogether(state, together, wall);
    if (!all.go) return all;
    tx.setTries(TOGETHER[together], all.tries);
    // said once a day, not to each who comes too late: there may be any number of them
    if (all.tries.today === CAPS[together]) tx.note("pin-locked", { by: "phone", reason: LOCKED[together] });
  }
  makeRoom(state, tx);
  tx.setTries(key, counted.tries);
  return { go: true, together };
}

function togetherOf({ lane }: Caller, known: boolean): Together | undefined {
  if (lane === "external") return known ? "callers" : "strangers";
  return known ? undefined : "phones";
}

const LOCKED: Record<Together, string> = {
  strangers: `${CAPS.strangers} tries of strangers today: only known callers and internal phones until midnight UTC`,
  callers: `${CAPS.callers} wrong tries of known callers today, who may be forged: only internal phones and strangers until midnight UTC`,
  phones: `${CAPS.phones} tries of new internal phones today: only those that were right before until midnight UTC`,
};

/** Counts by the day's cap only: one caller's wait must not be another's. */
function countTogether(state: GateState, together: Together, now: number): Counted {
  return countTry({ ...(state.tries.get(TOGETHER[together]) ?? NO_TRIES), wrong: 0 }, now, CAPS[together]);
}

/**
 * The PIN was right: the caller's wrong tries are forgiven, and he is known for 90 days. Known callers use up nothing of what
 * they have together by being right, else the busy would shut each other out.
 */
export function rightPin(
  state: GateState,
  tx: Transaction,
  caller: Caller,
  together: Together | undefined,
): void {
  const key = pinKey(caller);
  const { wall } = tx.now;
  tx.setTries(key, rightTry(state.tries.get(key) ?? NO_TRIES, wall));
  const all = state.tries.get(TOGETHER.callers);
  if (together === "callers" && all !== undefined) tx.setTries(TOGETHER.callers, uncounted(all, wall));
}

/** Forgives wrong tries by what an admin names. @returns the buckets, for people */
export function unlock(state: GateState, tx: Transaction, who: string): string[] {
  const matches = (key: string): boolean =>
    who === "all" ||
    (who === "strangers" && Object.values<string>(TOGETHER).includes(key)) ||
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

/** How many callers wait now, by lane; whether strangers and known callers had their tries of the day; how many users' codes are locked. */
export function countWaiting(state: GateState, now: number) {
  const isOver = (together: Together): boolean => !countTogether(state, together, now).go;
  const waiting = {
    internal: 0,
    external: 0,
    codes: 0,
    strangers: isOver("strangers"),
    callers: isOver("callers"),
  };
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
