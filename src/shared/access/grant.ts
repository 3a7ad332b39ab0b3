import type { Address } from "../address.ts";
import type { Duration } from "../duration.ts";
import type { GrantedBy, ProofName } from "../gate/views.ts";

/** How a grant ended before its time ran out, or that it did run out. */
export type Closing = "expired" | "revoked" | "displaced";

/** One address that may use some services until a moment. Never changed, only replaced. */
export interface Grant {
  /** `g` and 6 hex digits. */
  readonly id: string;
  /** null: an admin opened it for nobody in particular. */
  readonly user: string | null;
  readonly address: Address;
  readonly services: readonly string[];
  readonly by: GrantedBy;
  readonly proof: ProofName | null;
  readonly reason?: string;
  /** First opened, wall clock ms. */
  readonly since: number;
  /** Last opened or renewed, wall clock ms. */
  readonly renewed: number;
  /** From `renewed` to the end. */
  readonly length: Duration;
  /** End by the wall clock, ms: for people, and for the time after a reboot. */
  readonly expires: number;
  /** End by the uptime of this boot, ms: what counts while the machine runs, whatever the wall clock does. */
  readonly ends: number;
  /** Set once it is over; `ends` is then the moment it was. `kept`: its TCP sessions may go on for keep_max. */
  readonly closed?: { readonly how: Closing; readonly kept: boolean };
}

/** A valid knock that waits for its phone call (or an admin). */
export interface Pending {
  /** `p` and 6 hex digits. */
  readonly id: string;
  readonly user: string;
  readonly address: Address;
  readonly proof: ProofName;
  /** 4 to 8 digits that the laptop shows. */
  readonly code: string | null;
  /** How long the knock asked to open, as it was signed; null: the user's usual. */
  readonly length: Duration | null;
  /** Wall clock ms. */
  readonly since: number;
  readonly expires: number;
  /** Uptime ms. */
  readonly ends: number;
}

/** TCP sessions of these services from this address are cut, although they were let in once. */
export interface Revocation {
  readonly address: Address;
  readonly services: readonly string[];
  /** Uptime ms: as long as conntrack remembers the session. */
  readonly until: number;
}

/** @returns true while the grant holds its door open. */
export function isLive(grant: Grant, uptime: number): boolean {
  return grant.closed === undefined && grant.ends > uptime;
}

/** @returns true while there is something to take back: an open door, or TCP sessions that may outlive it. */
export function isRevocable(grant: Grant): boolean {
  return grant.closed?.kept !== false;
}

/** @returns the uptime until which TCP sessions of the grant may go on. `keepMax` undefined: on_expiry is "cut". */
export function keptUntil(grant: Grant, keepMax: Duration | undefined): number {
  return keepMax === undefined || grant.closed?.kept === false ? grant.ends : grant.ends + keepMax;
}
