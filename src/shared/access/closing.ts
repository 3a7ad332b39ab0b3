import type { Address } from "../address.ts";
import type { Duration } from "../duration.ts";
import type { PortRange } from "../firewall/policy.ts";
import type { GrantedBy } from "../gate/views.ts";
import { isInForce } from "./allowlist.ts";
import { type Closing, type Grant, isLive, keptUntil } from "./grant.ts";
import { MAX_ENDED, MAX_GRANTS } from "./ledger.ts";
import { noteKnock, sumUp } from "./recording.ts";
import { type GateState, loadedPolicies, projectionRules } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Who closes, and how. */
export interface Revoking {
  readonly by: GrantedBy;
  /** For how long conntrack remembers an idle TCP session. */
  readonly memory: Duration;
  /** TCP sessions may go on; by default they are cut. */
  readonly keepSessions?: boolean;
}

/**
 * Closes grants at once. Unless `keepSessions`, their TCP sessions are cut too, but not those of services that
 * another live grant opens for the same address.
 * @returns a line for each address that stays open through another grant or the allowlist
 */
export function revoke(
  state: GateState,
  tx: Transaction,
  grants: readonly Grant[],
  { by, memory, keepSessions = false }: Revoking,
): string[] {
  const closed = new Map<Address, Set<string>>(); // bounded: by the grants
  for (const grant of grants) {
    close(state, tx, grant, "revoked", by, keepSessions);
    const services = closed.get(grant.address) ?? new Set();
    closed.set(grant.address, services);
    for (const service of grant.services) services.add(service);
  }
  return [...closed].flatMap(([address, services]) =>
    shut(state, tx, address, services, keepSessions ? undefined : memory),
  );
}

/**
 * Ends the sessions of services that were closed for an address, but not of those that something else opens for it.
 * @param memory for how long conntrack remembers an idle TCP session; undefined: sessions may go on
 * @returns a line when the address stays open through another grant, or through the allowlist
 */
export function shut(
  state: GateState,
  tx: Transaction,
  address: Address,
  closed: ReadonlySet<string>,
  memory: Duration | undefined,
): string[] {
  const { uptime } = tx.now;
  const grants = state.ledger.ofAddress(address).filter((grant) => isLive(grant, uptime));
  const entries = state.allowlist.covering(address).filter((entry) => isInForce(entry, uptime));
  const opens = (service: string) => (door: { services: readonly string[] }) =>
    door.services.includes(service);
  const isAllowed = (service: string): boolean =>
    entries.some((entry) => entry.services.length === 0 || opens(service)(entry));
  const still = [...closed].filter((service) => grants.some(opens(service)) || isAllowed(service));
  const cut = [...closed].filter((service) => !still.includes(service));
  if (memory !== undefined && cut.length > 0) forbid(state, tx, address, cut, memory);
  if (still.length === 0) return [];
  const holders = grants.map(({ id, user, by }) => `${user ?? by} (${id})`).join(", ");
  const why = [
    ...(grants.length === 0 ? [] : [`granted to ${holders} too`]),
    ...(entries.length === 0 ? [] : [`on the allowlist (${entries.map(({ what }) => what).join(", ")})`]),
  ];
  return [`${address} stays open for ${still.join(", ")}: ${why.join(", ")}`];
}

/** Closes what has run out, sums up what was not noted, and forgets what nobody's session needs any more. @returns uptime of the next such moment */
export function expire(state: GateState, tx: Transaction): number {
  const { uptime } = tx.now;
  const { keepMax } = projectionRules(state);
  let next = sumUp(state, tx);
  for (const grant of state.ledger.all()) {
    if (grant.closed === undefined && grant.ends <= uptime) close(state, tx, grant, "expired", null, true);
    const due = grant.closed === undefined && grant.ends > uptime ? grant.ends : keptUntil(grant, keepMax);
    if (due <= uptime) tx.forgetGrant(grant.id);
    else next = Math.min(next, due);
  }
  for (const { address, until } of state.ledger.revocations()) {
    if (until <= uptime) tx.setRevocation(address, undefined);
    else next = Math.min(next, until);
  }
  return next;
}

/**
 * Closes one grant now. A grant that ran out has ended at its end, not when we noticed; one that was revoked before only
 * loses the sessions that were left to it then. Of a user's ended knocks beyond what is remembered the oldest are
 * forgotten, and their sessions with them.
 * @param by who closes it; null: its time is over
 */
export function close(
  state: GateState,
  tx: Transaction,
  grant: Grant,
  how: Closing,
  by: GrantedBy | null,
  kept: boolean,
): void {
  const ends = Math.min(grant.ends, tx.now.uptime);
  tx.putGrant({ ...grant, ends, closed: { how, kept } });
  if (how === "displaced") noteKnock(state, tx, how, grant);
  else if (grant.closed?.how !== how) tx.noteGrant(how, grant, by);
  if (grant.user === null) return;
  const ended = state.ledger.ended(grant.user);
  const most = Math.max(MAX_ENDED, state.settings.access.maxGrantsPerUser);
  for (const { id } of ended.slice(0, Math.max(0, ended.length - most))) tx.forgetGrant(id);
}

function forbid(
  state: GateState,
  tx: Transaction,
  address: Address,
  services: readonly string[],
  memory: Duration,
): void {
  const there = state.ledger.revocation(address)?.services ?? [];
  const [oldest] = state.ledger.revocations();
  if (oldest !== undefined && state.ledger.revoked >= MAX_GRANTS) tx.setRevocation(oldest.address, undefined);
  tx.setRevocation(address, {
    address,
    services: [...new Set([...there, ...services])],
    until: tx.now.uptime + memory,
  });
  tx.cuts.push({ address, ports: tcpPorts(state, services) });
}

/** @returns the TCP ports of services, under the policies that are loaded */
export function tcpPorts(state: GateState, names: readonly string[]): PortRange[] {
  return loadedPolicies(state)
    .flatMap(({ services }) => services)
    .filter(({ name }) => names.includes(name))
    .flatMap(({ ports }) => ports)
    .filter(({ proto }) => proto === "tcp");
}
