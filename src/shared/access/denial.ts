import { SSH_REFUSALS } from "../ssh/refusals.ts";

/**
 * Every reason for which knockline says no to somebody outside: one list for the whole project. The key goes
 * into log, watch and metrics; the text is the manual's, for a person. A new reason is one line here, and a row in
 * docs/operations.md.
 */
export const DENIALS = {
  wrong_order: "a known port, but not the next one",
  too_slow: "longer than knock.window since the first knock",
  decoy: "touched a decoy port: this source waits before it may knock again",
  poisoned: "this source, or its IPv6 network, touched a decoy port a moment ago",
  payload_too_long: "more than 1,400 bytes in the last knock",
  proof_unknown: "the user's proof is not known to this version",
  user_unknown: "no such user any more",
  user_changed: "the user was changed or removed while this knock was on its way",
  user_disabled: "the user is disabled",
  user_expired: "the user has expired",
  address_refused: "an address of this kind is never let in",
  code_malformed: "the last knock's payload is not what the user's proof sends",
  otp_wrong: "the authenticator code is wrong, too old, or was used already",
  otp_unreadable: "the authenticator's secret cannot be read: the server's secret file was changed",
  otp_wait: "too many authenticator codes: wait, use the phone, or knockctl unlock",
  ...SSH_REFUSALS,
  ssh_address: "the signed address is not the one that knocked",
  too_many_pending: "this user has three requests waiting for approval already",
  too_many_grants: "the table of grants is full",
  firewall_off: "the firewall was torn down: nothing can be opened",
  store_failed: "the store could not write it down, so nothing was opened",
  kernel_failed: "the kernel did not take it, so nothing was opened",
} as const;

/** A key of DENIALS. */
export type Denial = keyof typeof DENIALS;

/** Thrown by a decision of the gate to say no to a knock or a call. Not for admins: those get a Refusal. */
export class Denied extends Error {
  /** @param detail what there is to say of this very case; never holds bytes that came from outside */
  constructor(
    readonly reason: Denial,
    readonly detail: string | null = null,
  ) {
    super(DENIALS[reason]);
    this.name = "Denied";
  }
}
