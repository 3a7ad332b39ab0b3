import { accept, type Checked, refuse } from "./checked.ts";
import type { SshRefusal } from "./refusals.ts";

/** How far a laptop's clock may be off, either way. Seconds. */
export const TOLERANCE = 300;

/** How many used nonces of one user are remembered; one more forgets the oldest, and the floor rises over it. */
const MAX_SEEN = 256;

/** What tells a signed knock from every other: never its signature, for an ecdsa signature has a second form that is as good. */
export interface Stamp {
  /** Unix seconds, as signed. */
  readonly time: number;
  readonly nonce: string;
}

/**
 * What is remembered of one user's signed knocks, so that none opens twice. Plain data, kept in the store for ever, also
 * when the user is removed: a clock that jumps back revives nothing.
 */
export interface Replay {
  /** The highest time that was ever forgotten, unix seconds: all knocks up to it count as used. */
  readonly floor: number;
  // bounded: MAX_SEEN, all above the floor
  readonly seen: readonly Stamp[];
}

/** Nothing was seen yet. */
export const NO_REPLAY: Replay = { floor: 0, seen: [] };

/** @returns why a stamp may not be used; undefined when it may */
export function faultOfStamp({ floor, seen }: Replay, { time, nonce }: Stamp): SshRefusal | undefined {
  if (time <= floor) return "ssh_too_old";
  return seen.some((stamp) => stamp.nonce === nonce) ? "ssh_replayed" : undefined;
}

/**
 * Uses a stamp up, and forgets those that no clock would let through any more.
 * @param now wall clock ms
 * @returns what is to be remembered from now on
 */
export function useStamp(replay: Replay, stamp: Stamp, now: number): Checked<Replay, SshRefusal> {
  const fault = faultOfStamp(replay, stamp);
  if (fault !== undefined) return refuse(fault);
  const { time, nonce } = stamp;
  const oldest = Math.floor(now / 1000) - TOLERANCE;
  const byTime = [...replay.seen, { time, nonce }].sort((a, b) => a.time - b.time);
  const isKept = ({ time }: Stamp, index: number): boolean =>
    time >= oldest && byTime.length - index <= MAX_SEEN;
  const forgotten = byTime.filter((one, index) => !isKept(one, index)).at(-1)?.time ?? 0;
  const floor = Math.max(replay.floor, forgotten);
  return accept({ floor, seen: byTime.filter((one) => one.time > floor) });
}

/**
 * The floor after a backup was restored, which does not know the knocks since: all that could still be in time count as
 * used, and all that is remembered: the clock may have been set back since.
 * @param known what the backup remembers, and what was remembered here
 * @param now wall clock ms
 */
export function afterRestore(known: readonly Replay[], now: number): Replay {
  const used = known.flatMap(({ floor, seen }) => [floor, ...seen.map(({ time }) => time)]);
  return { floor: Math.max(...used, Math.ceil(now / 1000) + TOLERANCE), seen: [] };
}
