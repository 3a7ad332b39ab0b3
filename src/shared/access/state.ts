import type { Allowance } from "../allowance.ts";
import type { Duration } from "../duration.ts";
import type { Policy } from "../firewall/policy.ts";
import type { Settings } from "../settings/settings.ts";
import type { Replay } from "../ssh/replay.ts";
import type { User } from "../users/user.ts";
import { Allowlist } from "./allowlist.ts";
import type { Pending } from "./grant.ts";
import { LastOpened } from "./last-opened.ts";
import { Ledger } from "./ledger.ts";
import type { ProjectionRules } from "./projection.ts";
import type { Tries } from "./tries.ts";

/** A policy that is tried out: the kernel forgets it by itself at `ends`. */
export interface Trial {
  readonly policy: Policy;
  /** Uptime ms. */
  readonly ends: number;
  /** Wall clock ms, for people. */
  readonly endsWall: number;
}

/** A TCP session that was there before a policy began to guard its port; it may go on until `ends` (uptime ms). */
export interface Adopted {
  readonly family: 4 | 6;
  /** `source address . source port . destination port`, the key of the set. */
  readonly key: string;
  readonly ends: number;
}

/** What the table is made from. `confirmed` null: nothing was ever confirmed, or the firewall was torn down. */
export interface FirewallState {
  readonly confirmed: Policy | null;
  readonly trial: Trial | null;
  // bounded: MAX_ADOPTED, the newest kept
  readonly adopted: readonly Adopted[];
}

/** How many sessions a change of policy takes over. */
export const MAX_ADOPTED = 4_096;

/** How many callers and sources with tries are remembered; one more pushes out the oldest stranger. */
export const MAX_TRIES = 20_000;

/** Everything the gate knows; what is here and in the store is the same. Changed only through a Transaction. */
export interface GateState {
  settings: Settings;
  readonly ledger: Ledger;
  readonly allowlist: Allowlist;
  // bounded: MAX_USERS
  readonly users: Map<string, User>;
  // bounded: three a user
  readonly pending: Map<string, Pending>;
  // bounded: MAX_TRIES; what is long past goes at the daily clean-up
  readonly tries: Map<string, Tries>;
  /** The last authenticator step each user used, for ever: a clock that jumps back revives no code. */
  // bounded: one entry a user that ever was
  readonly otpSteps: Map<string, number>;
  /** The signed knocks each user has used, for ever, as above. */
  // bounded: one entry a user that ever was
  readonly replays: Map<string, Replay>;
  /** How much of the history each user's knocks have made lately: in memory alone, and no part of any decision. */
  // bounded: users who knocked in the last minute
  readonly recorded: Map<string, Allowance>;
  /** What the history says of users' last doors. */
  readonly lastOpened: LastOpened;
  /** Secret ports that belong to nobody. */
  decoys: readonly number[];
  firewall: FirewallState;
}

/** @returns the state of a gate that has nothing yet */
export function emptyState(settings: Settings): GateState {
  return {
    settings,
    ledger: new Ledger(),
    allowlist: new Allowlist(),
    users: new Map(),
    pending: new Map(),
    tries: new Map(),
    otpSteps: new Map(),
    replays: new Map(),
    recorded: new Map(),
    lastOpened: new LastOpened(),
    decoys: [],
    firewall: { confirmed: null, trial: null, adopted: [] },
  };
}

/** The policies that are loaded: the confirmed one, and the one on trial. */
export function loadedPolicies({ firewall }: GateState): Policy[] {
  return [firewall.confirmed, firewall.trial?.policy].filter(
    (policy) => policy !== null && policy !== undefined,
  );
}

/** How grants become set elements under the policies that are loaded. */
export function projectionRules(state: GateState): ProjectionRules {
  const known = rulesOf.get(state.firewall);
  if (known !== undefined) return known;
  const policies = loadedPolicies(state);
  const keeping = policies.filter(({ onExpiry }) => onExpiry === "keep").map(({ keepMax }) => keepMax);
  const rules = {
    services: new Set(policies.flatMap(({ services }) => services.map(({ name }) => name))),
    keepMax: keeping.length === 0 ? undefined : (Math.max(...keeping) as Duration),
  };
  rulesOf.set(state.firewall, rules);
  return rules;
}

/** Every knock asks for the rules twice, and they change with the policy. bounded: what is collected with its key */
const rulesOf = new WeakMap<FirewallState, ProjectionRules>();

/** @returns true when two policies would make the same table */
export function samePolicy(a: Policy | null, b: Policy | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
