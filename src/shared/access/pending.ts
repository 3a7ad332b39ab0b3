import type { Address } from "../address.ts";
import { type Duration, formatDuration } from "../duration.ts";
import { Refusal } from "../gate/verbs.ts";
import type { ProofName } from "../gate/views.ts";
import { Denied } from "./denial.ts";
import type { Pending } from "./grant.ts";
import { knownUser, openedAddress } from "./grants.ts";
import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Requests of one user at a time. */
const MOST = 3;

/** What a knock asks for when its user needs an approval. */
export interface Asking {
  readonly user: string;
  readonly address: Address;
  readonly proof: ProofName;
  readonly code: string | null;
  /** null: the user's usual. */
  readonly length: Duration | null;
}

/**
 * Leaves a request for the phone. One an address: knocking again renews it; a user has three at a time.
 * @throws Denied
 */
export function ask(state: GateState, tx: Transaction, asking: Asking, freshId: () => string): Pending {
  knownUser(state, tx, asking.user, "knock");
  const address = openedAddress(state, { address: asking.address, by: "knock" });
  const mine = pendingOf(state, asking.user, tx.now.uptime);
  const there = mine.find((request) => request.address === address);
  if (there === undefined && mine.length >= MOST) throw new Denied("too_many_pending");
  const life: Duration = state.settings.phone.pending;
  const request: Pending = {
    id: there?.id ?? freshId().replace(/^g/, "p"),
    user: asking.user,
    address,
    proof: asking.proof,
    code: asking.code,
    length: asking.length,
    since: tx.now.wall,
    expires: tx.now.wall + life,
    ends: tx.now.uptime + life,
  };
  tx.setPending(request.id, request);
  // the same code again is a repeat of the same knock; another one is a user who tries again
  if (there === undefined || there.code !== request.code)
    tx.note("asked", {
      user: request.user,
      address,
      by: "knock",
      reason: `open for approval for ${formatDuration(life)}`,
    });
  return request;
}

/** A user's requests that are not over, oldest first. */
export function pendingOf(state: GateState, user: string, uptime: number): Pending[] {
  return [...state.pending.values()].filter((request) => request.user === user && request.ends > uptime);
}

/** Finds a request that is not over. @throws Refusal */
export function findPending(state: GateState, id: string, uptime: number): Pending {
  const request = state.pending.get(id);
  if (request === undefined || request.ends <= uptime) {
    throw new Refusal("not_found", `no pending request ${id}`, "see them all: knockctl pending");
  }
  return request;
}

/** Forgets requests that are over. @returns uptime of the next such moment */
export function expirePending(state: GateState, tx: Transaction): number {
  let next = Number.POSITIVE_INFINITY;
  for (const request of [...state.pending.values()]) {
    if (request.ends > tx.now.uptime) next = Math.min(next, request.ends);
    else tx.setPending(request.id, undefined);
  }
  return next;
}
