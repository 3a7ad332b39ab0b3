import type { Address } from "../address.ts";
import type { EventView, GrantedBy } from "../gate/views.ts";

/** What can happen; `step` and `ignored` are only watched, never written down. */
export type EventName =
  | "step"
  | "ignored"
  | "denied"
  | "asked"
  | "approved"
  | "refused"
  | "call"
  | "call-failed"
  | "pin-wrong"
  | "pin-locked"
  | "otp-wrong"
  | "otp-locked"
  | "unlocked"
  | "opened"
  | "renewed"
  | "extended"
  | "expired"
  | "revoked"
  | "displaced"
  | "withdrawn"
  | "summed-up"
  | "user-added"
  | "user-changed"
  | "user-rotated"
  | "user-removed"
  | "allow-added"
  | "allow-changed"
  | "allow-removed"
  | "allow-ended"
  | "policy-tried"
  | "policy-confirmed"
  | "policy-rolled-back"
  | "firewall-removed"
  | "firewall-repaired"
  | "backed-up"
  | "restored";

/** One thing that happened. No secret is ever in it: neither a knock port nor a payload. */
export interface GateEvent {
  /** Wall clock ms. */
  readonly at: number;
  readonly event: EventName;
  readonly user: string | null;
  readonly address: Address | null;
  readonly by: GrantedBy | null;
  readonly reason: string | null;
}

/** @returns the event as `--json` prints it */
export function viewEvent(event: GateEvent): EventView {
  return { ...event, at: new Date(event.at).toISOString() };
}

/** @returns true for an event that a watcher asked for. @param asked `what`: a user's name or an address; `user`: only a name */
export function concerns(event: GateEvent, asked: { what?: string; user?: string }): boolean {
  const { what = null, user = null } = asked;
  return (
    (what === null || event.user === what || event.address === what) && (user === null || event.user === user)
  );
}
