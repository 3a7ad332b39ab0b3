import { type Address, familyOf, isPrefix, prefix64 } from "../address.ts";
import { type Duration, milliseconds } from "../duration.ts";
import type { Change } from "../firewall/firewall.ts";
import { networkSet, OWN_SCOPES } from "../firewall/networks.ts";
import { firstOf, isAddress, type Network, type Prefix, prefixOf } from "../network.ts";
import { type Allowlist, isInForce } from "./allowlist.ts";
import { type Grant, isLive, keptUntil, type Revocation } from "./grant.ts";
import type { Ledger } from "./ledger.ts";
import type { Picture, Projected } from "./picture.ts";

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

/** @returns the sets that grants and the allowlist are projected into, for the services and prefixes that have sets. */
export function projectedSets(services: readonly string[], prefixes: readonly Prefix[]): string[] {
  const families = [...services, "kept", "revoked"].flatMap((name) => [`${name}4`, `${name}6`, `${name}6n`]);
  const networks = [...services, ...OWN_SCOPES].flatMap((scope) =>
    prefixes.map((prefix) => networkSet(scope, prefix)),
  );
  return [...families, "live4", "live6", ...networks];
}

/** The elements that one network should have, for grants and for the allowlist. */
export function* project(
  { ledger, allowlist }: Doors,
  network: Network,
  uptime: number,
  rules: ProjectionRules,
): Generator<Projected> {
  yield* projectNetwork(allowlist, network, uptime, rules);
  if (!isAddress(network)) return;
  for (const grant of ledger.nearby(network)) {
    if (grant.address === network) yield* projectGrant(grant, uptime, rules);
    else if (isLive(grant, uptime)) yield exemption(grant);
  }
  const revocation = ledger.revocation(network);
  if (revocation !== undefined) yield* projectRevocation(revocation, uptime);
}

/** All that the kernel should hold for all grants, revocations and entries of the allowlist. */
export function* projectAll(
  { ledger, allowlist }: Doors,
  uptime: number,
  rules: ProjectionRules,
): Generator<Projected> {
  for (const network of allowlist.networks()) yield* projectNetwork(allowlist, network, uptime, rules);
  for (const grant of ledger.all()) yield* projectGrant(grant, uptime, rules);
  for (const revocation of ledger.revocations()) yield* projectRevocation(revocation, uptime);
}

/** The entries for exactly this network, in the sets of what they open. */
export function* projectNetwork(
  allowlist: Allowlist,
  network: Network,
  uptime: number,
  { services, keepMax }: ProjectionRules,
): Generator<Projected> {
  const element = (scope: string, ends: number): Projected => ({
    set: networkSet(scope, prefixOf(network)),
    key: firstOf(network),
    ends,
  });
  for (const entry of allowlist.at(network)) {
    if (!isInForce(entry, uptime)) continue;
    const ends = entry.end?.ends ?? Number.POSITIVE_INFINITY;
    const opened = entry.services.filter((service) => services.has(service));
    for (const scope of entry.services.length === 0 ? ["allow"] : opened)
      yield { ...element(scope, ends), comment: entry.what };
    yield element("live", ends);
    if (keepMax !== undefined && entry.end !== null) yield element("kept", ends + keepMax);
  }
  const left = allowlist.left(network);
  if (left !== undefined && keepMax !== undefined && left + keepMax > uptime)
    yield element("kept", left + keepMax);
}

function* projectGrant(grant: Grant, uptime: number, rules: ProjectionRules): Generator<Projected> {
  const { address, ends } = grant;
  const suffix = suffixOf(address);
  const key = firstOf(address);
  if (isLive(grant, uptime)) {
    const comment = `${grant.user ?? grant.by} ${grant.id}`;
    for (const service of grant.services) {
      if (rules.services.has(service)) yield { set: setOf(service, suffix), key, ends, comment };
    }
    yield exemption(grant);
  }
  const kept = keptUntil(grant, rules.keepMax);
  if (kept > Math.max(uptime, ends)) yield { set: setOf("kept", suffix), key, ends: kept };
}

function* projectRevocation({ address, until }: Revocation, uptime: number): Generator<Projected> {
  if (until > uptime) yield { set: setOf("revoked", suffixOf(address)), key: firstOf(address), ends: until };
}

/** The family of a grant's sets: exact addresses, or IPv6 /64. */
const suffixOf = (address: Address): "4" | "6" | "6n" =>
  familyOf(address) === 4 ? "4" : isPrefix(address) ? "6n" : "6";

/** One text for each set: made anew for every element, tens of thousands had to be hashed and compared at each look. */
function setOf(scope: string, suffix: "4" | "6" | "6n"): string {
  let sets = setNames.get(scope);
  if (sets === undefined) {
    sets = { "4": `${scope}4`, "6": `${scope}6`, "6n": `${scope}6n` };
    setNames.set(scope, sets);
  }
  return sets[suffix];
}

/** bounded: services that ever had a set while this process lives */
const setNames = new Map<string, Record<"4" | "6" | "6n", string>>();

/** The changes that lead from one picture to another; nothing for elements that stay as they are. */
export function difference(before: Picture, after: Picture, uptime: number): Change[] {
  const changes: Change[] = [];
  for (const { set, key } of before)
    if (after.get(set, key) === undefined) changes.push({ op: "drop", set, key });
  for (const element of after) {
    const was = before.get(element.set, element.key);
    if (was?.ends !== element.ends || was.comment !== element.comment) changes.push(put(element, uptime));
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
