import { type Address, kindOf } from "../address.ts";
import { days } from "../duration.ts";
import { Refusal } from "../gate/verbs.ts";
import type { ApprovalKind, GrantedBy, PendingRequestView } from "../gate/views.ts";
import { Denied } from "./denial.ts";
import type { Grant, Pending } from "./grant.ts";
import { open } from "./grants.ts";
import { findPending, pendingOf } from "./pending.ts";
import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { CALLBACK_CAPS, NO_TRIES } from "./tries.ts";

/** Finds the one request of a user with a code. @returns "ambiguous" when there are several: then none is taken by code */
export function pendingByCode(
  state: GateState,
  user: string,
  code: string,
  uptime: number,
): Pending | "ambiguous" | undefined {
  const [first, ...others] = pendingOf(state, user, uptime).filter((request) => request.code === code);
  return others.length > 0 ? "ambiguous" : first;
}

/** Opens what a request asked for. @throws Denied; Refusal where an admin approves, but for `firewall_off` and `too_many_grants` */
export function approve(
  state: GateState,
  tx: Transaction,
  request: Pending,
  by: GrantedBy,
  freshId: () => string,
): Grant {
  tx.setPending(request.id, undefined);
  tx.note("approved", { user: request.user, address: request.address, by });
  const { user, address, proof, length } = request;
  const ttl = length ?? undefined; // what was signed, not what the approver might think
  return open(state, tx, { user, address, proof, by, ...(ttl && { ttl }) }, freshId).grant;
}

/** An admin approves. @throws Refusal; Denied `firewall_off`, `too_many_grants` */
export function approveById(state: GateState, tx: Transaction, id: string, freshId: () => string): Grant {
  return approve(state, tx, findPending(state, id, tx.now.uptime), "admin", freshId);
}

/** An admin or the called user says no. @throws Refusal */
export function refuse(state: GateState, tx: Transaction, id: string, by: GrantedBy): Pending {
  const request = findPending(state, id, tx.now.uptime);
  tx.setPending(id, undefined);
  tx.note("refused", { user: request.user, address: request.address, by });
  return request;
}

/**
 * What an address keyed into the phone must be: private ones only where the settings allow them. A knock is not asked: its
 * address is its own source, also where it is signed (another one is refused as `ssh_address`). @throws Denied
 */
export function checkTyped(state: GateState, address: Address): void {
  const kind = kindOf(address);
  const fine = kind === "public" || (kind === "private" && state.settings.access.privateAddresses);
  if (!fine) throw new Denied("address_refused");
}

/**
 * Counts a call-back before it is placed: calls cost money. One at a time is the business of whoever places it.
 * @returns why the user is not to be called now; undefined when it was counted
 */
export function countCallback(state: GateState, tx: Transaction, request: Pending): string | undefined {
  const { user, address } = request;
  const { wall } = tx.now;
  const key = `call/${user}`;
  const held = state.tries.get(`${key}/held`);
  if (held !== undefined && wall - held.last < CALLBACK_CAPS.hold) return "held for an hour after a 9";
  const day = Math.floor(wall / days(1));
  const tries = state.tries.get(key) ?? NO_TRIES;
  const hour = wall - tries.last < CALLBACK_CAPS.hold ? tries.wrong : 0; // `wrong` counts the calls of the hour that began at `last`
  const today = tries.day === day ? tries.today : 0;
  if (hour >= CALLBACK_CAPS.hour) return `${CALLBACK_CAPS.hour} an hour`;
  if (today >= CALLBACK_CAPS.day) return `${CALLBACK_CAPS.day} a day`;
  tx.setTries(key, {
    ...tries,
    wrong: hour + 1,
    last: hour === 0 ? wall : tries.last,
    day,
    today: today + 1,
  });
  tx.note("call", { user, address, by: "phone", reason: "called back" });
  return undefined;
}

/** The called user pressed 9: no call-backs to him for an hour. */
export function holdCallbacks(tx: Transaction, user: string): void {
  tx.setTries(`call/${user}/held`, { ...NO_TRIES, last: tx.now.wall });
}

/** @returns the request as `--json` prints it */
export function viewPending(state: GateState, request: Pending): PendingRequestView {
  return {
    id: request.id,
    user: request.user,
    address: request.address,
    services: [...(state.users.get(request.user)?.services ?? [])],
    since: new Date(request.since).toISOString(),
    expires: new Date(request.expires).toISOString(),
  };
}

/** @returns every request that is not over. @throws nothing */
export function allPending(state: GateState, uptime: number): Pending[] {
  return [...state.pending.values()].filter(({ ends }) => ends > uptime);
}

/** An approval other than `none` needs a way to give it. @throws Refusal */
export function checkApproval(approval: ApprovalKind, pin: string | null, phone: string | null): void {
  if (approval !== "none" && pin === null) {
    throw new Refusal(
      "refused",
      "an approval by phone needs a PIN",
      "add --pin (one is drawn and shown once)",
    );
  }
  if (approval === "call" && phone === null) {
    throw new Refusal("refused", "a call-back needs a number to call", "add --phone NUMBER");
  }
}
