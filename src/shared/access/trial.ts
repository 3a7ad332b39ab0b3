import { type Address, familyOf, kindOf, parseAddress } from "../address.ts";
import { type Duration, minutes } from "../duration.ts";
import type { Policy, PortRange } from "../firewall/policy.ts";
import { Refusal } from "../gate/verbs.ts";
import { type Grant, isLive } from "./grant.ts";
import { open } from "./grants.ts";
import { type Adopted, type FirewallState, type GateState, MAX_ADOPTED, samePolicy } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** An established TCP session of this host, as /proc/net/tcp shows it. */
export interface Session {
  readonly remote: Address;
  readonly remotePort: number;
  readonly localPort: number;
}

/** What `firewall apply` is given. */
export interface Application {
  /** How long the trial lasts; undefined: confirm at once. */
  readonly trial: Duration | undefined;
  /** Sources to hold open for a quarter of an hour: who is logged in by SSH now. */
  readonly keep: readonly string[];
  readonly sshPorts: readonly number[];
  readonly sessions: readonly Session[];
  readonly freshId: () => string;
}

/** How long a door held open during a trial stays open. */
const KEPT_DURING_TRIAL = minutes(15);
const KEPT_REASON = "logged in while a policy was applied";

/**
 * Tries the settings' policy, or confirms it at once. Sessions that are established now survive: those to ports
 * that become guarded are adopted, and whoever is logged in by SSH gets a grant.
 * @returns the grants of those who are logged in; none where there is nothing to apply
 * @throws Refusal when sshd's port would be closed and belongs to no service; Denied `too_many_grants`
 */
export function apply(state: GateState, tx: Transaction, application: Application): Grant[] {
  const wanted = state.settings.policy;
  const { confirmed } = state.firewall;
  refuseLockOut(wanted, application.sshPorts);
  if (samePolicy(confirmed, wanted) && state.firewall.trial === null) return [];
  const adopted = adoptions(state.firewall, wanted, application.sessions, tx.now.uptime);
  if (application.trial === undefined) {
    tx.setFirewall({ confirmed: wanted, trial: null, adopted });
    tx.note("policy-confirmed", { by: "admin", reason: `guard ${wanted.guard}` });
  } else {
    const trial = {
      policy: wanted,
      ends: tx.now.uptime + application.trial,
      endsWall: tx.now.wall + application.trial,
    };
    tx.setFirewall({ confirmed, trial, adopted });
    tx.note("policy-tried", { by: "admin", reason: `guard ${wanted.guard}` });
  }
  return keepDoors(state, tx, wanted, application);
}

/** Makes the policy on trial the confirmed one. @throws Refusal when none is on trial (any more) */
export function confirm(state: GateState, tx: Transaction): void {
  const { trial, adopted } = state.firewall;
  if (trial === null || trial.ends <= tx.now.uptime) {
    throw new Refusal(
      "refused",
      "no policy is on trial: nothing to confirm",
      "try it again: knockctl firewall apply",
    );
  }
  tx.setFirewall({ confirmed: trial.policy, trial: null, adopted });
  tx.note("policy-confirmed", { by: "admin", reason: `guard ${trial.policy.guard}` });
}

/** Ends a trial, by an admin's word or because its time is over. @returns false when there was none */
export function rollBack(state: GateState, tx: Transaction, why: "asked" | "time is over"): boolean {
  if (state.firewall.trial === null) return false;
  tx.setFirewall({ ...state.firewall, trial: null });
  tx.note("policy-rolled-back", { by: why === "asked" ? "admin" : null, reason: why });
  return true;
}

/** Forgets every policy: the table goes. */
export function tearDown(tx: Transaction): void {
  tx.setFirewall({ confirmed: null, trial: null, adopted: [] });
  tx.note("firewall-removed", { by: "admin" });
}

/** @returns true when strangers cannot reach this TCP or UDP port under the policy */
export function isGuarded(policy: Policy | null, proto: PortRange["proto"], port: number): boolean {
  if (policy === null || policy.guard === "nothing") return false;
  const covers = (range: PortRange): boolean =>
    range.proto === proto && range.from <= port && port <= range.to;
  if (policy.services.some(({ ports }) => ports.some(covers))) return true;
  return policy.guard === "everything" && !policy.public.some(covers);
}

/** A port that is closed to strangers but belongs to no service has no door: nobody could log in again. */
function refuseLockOut(wanted: Policy, sshPorts: readonly number[]): void {
  const covers = (port: number) =>
    wanted.services.some(({ ports }) =>
      ports.some(({ proto, from, to }) => proto === "tcp" && from <= port && port <= to),
    );
  const shut = sshPorts.filter((port) => isGuarded(wanted, "tcp", port) && !covers(port));
  if (shut.length === 0) return;
  throw new Refusal(
    "refused",
    `sshd listens on tcp/${shut.join(", tcp/")}, which would be closed and belongs to no service`,
    "put it into a service's ports ([services.ssh]) or into [firewall] public, then apply",
  );
}

/** Sessions to ports that become guarded only now. Those that were guarded before go on by their grant's rules. */
function adoptions(
  firewall: FirewallState,
  wanted: Policy,
  sessions: readonly Session[],
  uptime: number,
): Adopted[] {
  const fresh = sessions
    .filter(
      ({ localPort }) =>
        isGuarded(wanted, "tcp", localPort) && !isGuarded(firewall.confirmed, "tcp", localPort),
    )
    .filter(({ remote }) => kindOf(remote) !== "loopback")
    .map(({ remote, remotePort, localPort }) => ({
      family: familyOf(remote),
      key: `${remote} . ${remotePort} . ${localPort}`,
      ends: uptime + wanted.keepMax,
    }));
  const old = firewall.adopted.filter(
    ({ key, ends }) => ends > uptime && !fresh.some((session) => session.key === key),
  );
  return [...old, ...fresh].slice(-MAX_ADOPTED);
}

function keepDoors(
  state: GateState,
  tx: Transaction,
  wanted: Policy,
  { keep, sshPorts, freshId }: Application,
): Grant[] {
  const services = wanted.services
    .filter(({ ports }) =>
      ports.some(
        ({ proto, from, to }) => proto === "tcp" && sshPorts.some((port) => from <= port && port <= to),
      ),
    )
    .map(({ name }) => name);
  if (services.length === 0) return [];
  const ttl = Math.min(KEPT_DURING_TRIAL, state.settings.access.maxTtl) as Duration;
  const opening = { user: null, services, ttl, by: "admin", proof: null, reason: KEPT_REASON } as const;
  return keep
    .flatMap((text) => parseAddress(text) ?? [])
    .filter((address) => ["public", "private"].includes(kindOf(address)))
    .filter(
      (address) =>
        !state.ledger.ofAddress(address).some((grant) => coversFor(grant, services, tx.now.uptime + ttl)),
    )
    .map((address) => open(state, tx, { ...opening, address }, freshId).grant);
}

function coversFor(grant: Grant, services: readonly string[], until: number): boolean {
  return isLive(grant, until) && services.every((service) => grant.services.includes(service));
}
