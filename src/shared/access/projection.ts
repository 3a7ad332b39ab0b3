import { type Address, familyOf, isPrefix, prefix64 } from "../address.ts";
import { type Duration, milliseconds } from "../duration.ts";
import type { Change } from "../firewall/firewall.ts";
import { networkSet, OWN_SCOPES } from "../firewall/networks.ts";
import { firstOf, isAddress, type Network, type Prefix, prefixOf } from "../network.ts";
import { type Allowlist, isInForce } from "./allowlist.ts";
import { type Grant, isLive, keptUntil } from "./grant.ts";
import type { Ledger } from "./ledger.ts";

/**
 * An element the kernel should hold, with its end as uptime ms: the time left is taken where it is written.
 * Infinity: permanent, only ever in a set of the allowlist.
 */
export interface Projected {
  readonly set: string;
  readonly key: string;
  readonly ends: number;
  readonly comment?: string;
}

/** What decides which sets a grant is projected into. */
export interface ProjectionRules {
  /** Services that have sets in the table now. */
  readonly services: ReadonlySet<string>;
  /** How long kept TCP sessions go on; undefined when on_expiry is "cut". */
  readonly keepMax: Duration | undefined;
}

/** What is projected. */
export interface Doors {
  readonly ledger: Ledger;
  readonly allowlist: Allowlist;
}

/** Elements by `set key`, so that two projections can be compared. */
export type Picture = Map<string, Projected>;

/** @returns the sets that grants and the allowlist are projected into, for the services and prefixes that have sets. */
export function projectedSets(services: readonly string[], prefixes: readonly Prefix[]): string[] {
  const families = [...services, "kept", "revoked"].flatMap((name) => [`${name}4`, `${name}6`, `${name}6n`]);
  const networks = [...services, ...OWN_SCOPES].flatMap((scope) =>
    prefixes.map((prefix) => networkSet(scope, prefix)),
  );
  return [...families, "live4", "live6", ...networks];
}

/** The elements that one network should have, for grants and for the allowlist. */
export function project(doors: Doors, network: Network, uptime: number, rules: ProjectionRules): Picture {
  const picture = projectNetwork(doors.allowlist, network, uptime, rules);
  if (!isAddress(network)) return picture;
  for (const element of projectAddress(doors.ledger, network, uptime, rules).values())
    latest(picture, element);
  return picture;
}

/** The latest end of the entries for exactly this network, in the sets of what they open. */
export function projectNetwork(
  allowlist: Allowlist,
  network: Network,
  uptime: number,
  rules: ProjectionRules,
): Picture {
  const picture: Picture = new Map();
  const add = (scope: string, ends: number, comment?: string): void => {
    if (ends <= uptime) return;
    const element = { set: networkSet(scope, prefixOf(network)), key: firstOf(network), ends };
    latest(picture, comment === undefined ? element : { ...element, comment });
  };
  for (const entry of allowlist.at(network)) {
    if (!isInForce(entry, uptime)) continue;
    const ends = entry.end?.ends ?? Number.POSITIVE_INFINITY;
    const services = entry.services.filter((service) => rules.services.has(service));
    for (const scope of entry.services.length === 0 ? ["allow"] : services) add(scope, ends, entry.what);
    add("live", ends);
    if (rules.keepMax !== undefined && entry.end !== null) add("kept", ends + rules.keepMax);
  }
  const left = allowlist.left(network);
  if (left !== undefined && rules.keepMax !== undefined) add("kept", left + rules.keepMax);
  return picture;
}

/** The elements that one address should have: the latest end of its live grants in each service's set. */
export function projectAddress(
  ledger: Ledger,
  address: Address,
  uptime: number,
  rules: ProjectionRules,
): Picture {
  const picture: Picture = new Map();
  const suffix = familyOf(address) === 4 ? "4" : isPrefix(address) ? "6n" : "6";
  const key = firstOf(address);
  for (const grant of ledger.nearby(address)) {
    const live = isLive(grant, uptime);
    if (live) latest(picture, exemption(grant));
    if (grant.address !== address) continue;
    const comment = `${grant.user ?? grant.by} ${grant.id}`;
    for (const service of live ? grant.services : []) {
      if (rules.services.has(service))
        latest(picture, { set: service + suffix, key, ends: grant.ends, comment });
    }
    const kept = keptUntil(grant, rules.keepMax);
    if (kept > Math.max(uptime, grant.ends)) latest(picture, { set: `kept${suffix}`, key, ends: kept });
  }
  const revocation = ledger.revocation(address);
  if (revocation !== undefined && revocation.until > uptime) {
    latest(picture, { set: `revoked${suffix}`, key, ends: revocation.until });
  }
  return picture;
}

/** All that the kernel should hold for all grants, revocations and entries of the allowlist. */
export function projectAll(doors: Doors, uptime: number, rules: ProjectionRules): Picture {
  const networks = new Set<Network>(doors.allowlist.networks());
  for (const grant of doors.ledger.all()) networks.add(grant.address);
  for (const revocation of doors.ledger.revocations()) networks.add(revocation.address);
  const picture: Picture = new Map();
  for (const network of networks) {
    for (const element of project(doors, network, uptime, rules).values()) latest(picture, element);
  }
  return picture;
}

/** The changes that lead from one picture to another; nothing for elements that stay as they are. */
export function difference(before: Picture, after: Picture, uptime: number): Change[] {
  const changes: Change[] = [];
  for (const [name, { set, key }] of before) if (!after.has(name)) changes.push({ op: "drop", set, key });
  for (const [name, element] of after) {
    const was = before.get(name);
    if (was === undefined) changes.push(put(element, uptime));
    else if (was.ends !== element.ends || was.comment !== element.comment) changes.push(put(element, uptime));
  }
  return changes;
}

/** The change that writes one element with the time it has left. */
export function put({ set, key, ends, comment }: Projected, uptime: number): Extract<Change, { op: "put" }> {
  const ttl = milliseconds(Math.max(1, Math.round(ends - uptime)));
  return comment === undefined ? { op: "put", set, key, ttl } : { op: "put", set, key, ttl, comment };
}

/** The `live` sets exempt a source from the scanner rules: IPv4 by address, IPv6 by /64 as those rules count it. */
function exemption({ address, ends }: Grant): Projected {
  return familyOf(address) === 4
    ? { set: "live4", key: address, ends }
    : { set: "live6", key: firstOf(prefix64(address)), ends };
}

function latest(picture: Picture, element: Projected): void {
  const name = `${element.set} ${element.key}`;
  const there = picture.get(name);
  if (there === undefined || there.ends < element.ends) picture.set(name, element);
}
