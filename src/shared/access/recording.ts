import { allowance, take } from "../allowance.ts";
import { minutes } from "../duration.ts";
import type { EventName } from "./event.ts";
import type { Grant } from "./grant.ts";
import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** How many entries of the history a user's knocks may make in a minute: whoever knows a sequence sends thousands a second. */
export const MOST_RECORDED = 60;
const SPAN = minutes(1);

/** Notes what a user's knocks did to a door. All of it is told; beyond MOST_RECORDED a minute the history has the sum. */
export function noteKnock(
  state: GateState,
  tx: Transaction,
  event: EventName,
  grant: Grant,
  reason: string | null = null,
): void {
  const user = grant.user ?? "";
  const recorded = { ...(state.recorded.get(user) ?? allowance(MOST_RECORDED, SPAN)) };
  const { granted, missed } = take(recorded, tx.now.uptime);
  tx.setRecorded(user, recorded);
  noteSum(tx, user, missed);
  tx.noteGrant(event, grant, "knock", reason, granted);
}

/** Notes sums that no later knock has noted, and forgets who has not knocked for a while. @returns uptime of the next such moment */
export function sumUp(state: GateState, tx: Transaction): number {
  let next = Number.POSITIVE_INFINITY;
  for (const [user, { since, missed }] of state.recorded) {
    if (since + SPAN > tx.now.uptime) {
      next = Math.min(next, since + SPAN);
      continue;
    }
    noteSum(tx, user, missed);
    tx.setRecorded(user, undefined);
  }
  return next;
}

/** @returns true for the first renewal in a minute of the clock: more of one door are told, not written down */
export function isWorthRecording(before: Grant, wall: number): boolean {
  return Math.floor(before.renewed / SPAN) !== Math.floor(wall / SPAN);
}

function noteSum(tx: Transaction, user: string, missed: number): void {
  if (missed === 0) return;
  tx.note("summed-up", { user, by: "knock", reason: `and ${missed} more: opened, renewed or displaced` });
}
