import { type Address, familyOf, isPrefix, prefix64 } from "../address.ts";
import { type Duration, milliseconds } from "../duration.ts";
import type { Change } from "../firewall/firewall.ts";
import { type Grant, isLive, keptUntil } from "./grant.ts";
import type { Ledger } from "./ledger.ts";

/** An element the kernel should hold, with its end as uptime ms: the time left is taken where it is written. */
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

/** Elements by `set key`, so that two projections can be compared. */
export type Picture = Map<string, Projected>;

/** @returns the sets that grants are projected into, for the services that have sets. */
export function projectedSets(services: Iterable<string>): string[] {
  const families = [...services, "kept", "revoked"].flatMap((name) => [`${name}4`, `${name}6`, `${name}6n`]);
  return [...families, "live4", "live6"];
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
  const key = address.replace("/64", "");
  for (const grant of ledger.ofAddress(address)) {
    if (isLive(grant, uptime)) {
      const comment = `${grant.user ?? grant.by} ${grant.id}`;
      for (const service of grant.services) {
        if (rules.services.has(service))
          latest(picture, { set: service + suffix, key, ends: grant.ends, comment });
      }
    }
    const kept = keptUntil(grant, rules.keepMax);
    if (kept > Math.max(uptime, grant.ends)) latest(picture, { set: `kept${suffix}`, key, ends: kept });
  }
  const revocation = ledger.revocation(address);
  if (revocation !== undefined && revocation.until > uptime) {
    latest(picture, { set: `revoked${suffix}`, key, ends: revocation.until });
  }
  for (const element of exemptions(ledger.nearby(address), uptime)) latest(picture, element);
  return picture;
}

/** All that the kernel should hold for all grants and revocations. */
export function projectAll(ledger: Ledger, uptime: number, rules: ProjectionRules): Picture {
  const addresses = new Set<Address>();
  for (const grant of ledger.all()) addresses.add(grant.address);
  for (const revocation of ledger.revocations()) addresses.add(revocation.address);
  const picture: Picture = new Map();
  for (const address of addresses) {
    for (const element of projectAddress(ledger, address, uptime, rules).values()) latest(picture, element);
  }
  return picture;
}

/** The changes that lead from one picture to another; nothing for elements that stay as they are. */
export function difference(before: Picture, after: Picture, uptime: number): Change[] {
  const changes: Change[] = [];
  for (const [name, { set, key }] of before) if (!after.has(name)) changes.push({ op: "drop", set, key });
  for (const [name, element] of after) {
    const was = before.get(name);
    if (was === undefined) changes.push({ ...put(element, uptime), fresh: true });
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
function exemptions(grants: readonly Grant[], uptime: number): Projected[] {
  return grants
    .filter((grant) => isLive(grant, uptime))
    .map(({ address, ends }) =>
      familyOf(address) === 4
        ? { set: "live4", key: address, ends }
        : { set: "live6", key: prefix64(address).replace("/64", ""), ends },
    );
}

function latest(picture: Picture, element: Projected): void {
  const name = `${element.set} ${element.key}`;
  const there = picture.get(name);
  if (there === undefined || there.ends < element.ends) picture.set(name, element);
}
