import { hours } from "../duration.ts";
import { NO_REPLAY, type Stamp, useStamp } from "../ssh/replay.ts";
import { otpStep } from "../users/otp.ts";
import type { User } from "../users/user.ts";
import type { Vault } from "../users/vault.ts";
import { Denied } from "./denial.ts";
import { makeRoom } from "./pin-tries.ts";
import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { NO_TRIES, OTP_CAPS, type Tries } from "./tries.ts";

/** Where a code came from: a knock's source address, or the phone, whose tries the knocks of strangers cannot use up. */
export type OtpSource = string | "phone";

/**
 * Counts a code before it is compared: 5 an hour for one source, and for a user's knocks 60 in all, from whatever
 * forged sources they come; then his knocks wait for an admin, while the phone still works.
 * @throws Denied `otp_wait`
 */
export function countOtp(state: GateState, tx: Transaction, user: string, source: OtpSource): void {
  const { wall } = tx.now;
  const mine = triesOf(state, sourceKey(user, source));
  const fresh = wall - mine.last >= hours(1) ? NO_TRIES : mine;
  const all = triesOf(state, userKey(user));
  const full = source !== "phone" && all.wrong >= OTP_CAPS.user;
  if (fresh.wrong >= OTP_CAPS.source || full) throw new Denied("otp_wait");
  makeRoom(state, tx);
  tx.setTries(sourceKey(user, source), { ...fresh, wrong: fresh.wrong + 1, last: Math.max(wall, mine.last) });
  if (source === "phone") return;
  tx.setTries(userKey(user), { ...all, wrong: all.wrong + 1, last: Math.max(wall, all.last) });
  if (all.wrong + 1 === OTP_CAPS.user)
    tx.note("otp-locked", {
      user,
      by: "knock",
      reason: `${OTP_CAPS.user} codes tried: knocks wait for knockctl unlock ${user}`,
    });
}

/**
 * Compares a code that was counted, and uses it up: this step and all before it are worth nothing from now on.
 * @throws Denied `otp_wrong`
 */
export function consumeOtp(
  state: GateState,
  tx: Transaction,
  user: User,
  source: OtpSource,
  code: string,
  vault: Vault,
): void {
  const secret = user.otp === null ? undefined : unsealed(vault, user.otp);
  const step = secret && otpStep(secret, code, tx.now.wall, state.otpSteps.get(user.name));
  if (!step) throw new Denied("otp_wrong");
  tx.raiseOtpStep(user.name, step);
  tx.setTries(sourceKey(user.name, source), undefined);
  tx.setTries(userKey(user.name), undefined);
}

/**
 * Uses a signed knock up: it is worth nothing from now on, whoever sends it, whatever becomes of the clock.
 * @throws Denied `ssh_replayed`, `ssh_too_old`
 */
export function consumeSigned(state: GateState, tx: Transaction, user: string, stamp: Stamp): void {
  const used = useStamp(state.replays.get(user) ?? NO_REPLAY, stamp, tx.now.wall);
  if (!used.ok) throw new Denied(used.reason, used.detail);
  tx.setReplay(user, used.value);
}

function unsealed(vault: Vault, sealed: string): string {
  try {
    return vault.unseal(sealed);
  } catch {
    throw new Denied("otp_unreadable");
  }
}

/** Keys in the table of tries; `unlock` knows them. */
export const userKey = (user: string): string => `otp/${user}`;
const sourceKey = (user: string, source: OtpSource): string => `otp/${user}/${source}`;

function triesOf(state: GateState, key: string): Tries {
  return state.tries.get(key) ?? NO_TRIES;
}
