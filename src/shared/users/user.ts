import type { Duration } from "../duration.ts";
import type { ApprovalKind, ProofName, UserProfile, UserView } from "../gate/views.ts";
import { fingerprintOfLine } from "../ssh/key-line.ts";

/** One step of a knock sequence. */
export interface Step {
  readonly proto: "udp" | "tcp";
  readonly port: number;
}

/** Somebody who may knock. Never changed, only replaced. */
export interface User {
  readonly name: string;
  /** Three steps, in the order they must be knocked. */
  readonly steps: readonly Step[];
  readonly proof: ProofName;
  readonly services: readonly string[];
  /** null: [access] ttl. */
  readonly ttl: Duration | null;
  /** null: [access] max_ttl. */
  readonly maxTtl: Duration | null;
  readonly approval: ApprovalKind;
  readonly enabled: boolean;
  /** Wall clock ms after which the user may open nothing, and no door stays open. null: never. */
  readonly expires: number | null;
  /** Wall clock ms. */
  readonly created: number;
  /** When the ports were drawn; wall clock ms. */
  readonly drawn: number;
  /** Fingerprint of the phone PIN (see vault.ts); null: no PIN. */
  readonly pin: string | null;
  /** Sealed authenticator secret; null: no authenticator. */
  readonly otp: string | null;
  /** Public keys that may sign the knocks, each as the `line` of an SshKey. */
  // bounded: MAX_KEYS
  readonly sshKeys: readonly string[];
  /** Number to call back; null: none. */
  readonly phone: string | null;
  /** Caller IDs that may use the PIN; empty: any. A hint that narrows, never a proof. */
  readonly callers: readonly string[];
}

/** How many users there may be: three ports each out of 30,768, a hundred apart from their own. */
export const MAX_USERS = 2_000;

/** @returns true for a phone number to dial or to compare: digits, a leading +, and * # for internal codes */
export function isPhoneNumber(text: string): boolean {
  return /^\+?[0-9*#]{2,20}$/.test(text);
}

/** @returns true for a name a user may bear: DESIGN section 5. */
export function isUserName(name: string): boolean {
  return /^[a-z][a-z0-9_-]{0,31}$/.test(name);
}

/** @returns the user as `--json` prints it */
export function viewUser(user: User): UserView {
  return {
    ...profileOf(user),
    steps: user.steps.map(({ proto, port }) => ({ proto, port })),
    ports_since: new Date(user.drawn).toISOString(),
    ssh_keys: user.sshKeys.map(fingerprintOfLine),
  };
}

/** @returns what is told of a user, whoever asks */
export function profileOf(user: User): UserProfile {
  const { name, proof, approval, enabled, phone } = user;
  return {
    name,
    proof,
    services: [...user.services],
    ttl: user.ttl === null ? null : user.ttl / 1000,
    max_ttl: user.maxTtl === null ? null : user.maxTtl / 1000,
    approval,
    enabled,
    expires: user.expires === null ? null : new Date(user.expires).toISOString(),
    phone,
    callers: [...user.callers],
    has_pin: user.pin !== null,
    has_otp: user.otp !== null,
  };
}
