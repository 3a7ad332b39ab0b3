import type { Instant } from "../duration.ts";
import type { Network } from "../network.ts";
import type { AllowEntry } from "./allowlist.ts";
import type { GateEvent } from "./event.ts";
import type { Grant, Pending, Revocation } from "./grant.ts";
import type { FirewallState } from "./state.ts";

/** The store's key of each thing. What is read back is decoded by `decode/records.ts`. */
export const keys = {
  schema: "meta/schema",
  /** Id of the secret that stored secrets are sealed under; written by a restore, for the moment the file changes. */
  vault: "meta/vault",
  /** The last moment the gate is known to have lived, on both clocks: floor of the time after a reboot. */
  clock: "floor/clock",
  decoys: "knock/decoys",
  firewall: "firewall",
  user: (name: string) => `user/${name}`,
  grant: (id: string) => `grant/${id}`,
  pending: (id: string) => `pending/${id}`,
  tries: (who: string) => `tries/${who}`,
  otpStep: (user: string) => `floor/otp/${user}`,
  replayFloor: (user: string) => `floor/ssh/${user}`,
  /** Used nonces have a record each: what a signed knock writes does not grow with those before it. */
  nonce: (userAndNonce: string) => `nonce/${userAndNonce}`,
  revocation: (address: string) => `revocation/${address}`,
  allow: (what: string) => `allow/${what}`,
  left: (network: string) => `left/${network}`,
  /** Sorted by time: wall clock ms in 15 digits, and a number for events of the same ms. */
  history: (at: number, n: number) => `history/${String(at).padStart(15, "0")}-${String(n).padStart(6, "0")}`,
} as const;

/** Version of these records; `migrations.ts` leads older ones here. */
export const SCHEMA = 2;

/** The clock record: wall clock and uptime in ms, and the boot they belong to. */
export interface ClockRecord extends Instant {
  readonly boot: string;
}

/** A grant as stored: with the boot whose uptime `ends` counts. */
export type GrantRecord = Grant & { readonly boot: string };
/** A pending request as stored. */
export type PendingRecord = Pending & { readonly boot: string };
/** A revocation as stored. */
export type RevocationRecord = Revocation & { readonly boot: string };
/** An entry of the allowlist as stored: with the boot whose uptime its end counts. */
export type AllowRecord = AllowEntry & { readonly boot: string };
/** A network whose last entry went, as stored. */
export interface LeftRecord {
  readonly network: Network;
  readonly at: number;
  readonly boot: string;
}
/** The firewall's state as stored. */
export type FirewallRecord = FirewallState & { readonly boot: string };
/** An event as stored. */
export type HistoryRecord = GateEvent;
