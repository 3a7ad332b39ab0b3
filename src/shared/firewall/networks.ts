import { maskOf, type Prefix } from "../network.ts";
import type { TablePlan } from "./firewall.ts";
import { policiesOf } from "./table.ts";

/**
 * The allowlist's sets: one a scope and prefix length. A scope is a service, `allow` (all services), `live` (any of
 * them: exempt from the scanner rules) or `kept` (TCP may go on). No other set's name ends in `_` and digits: scopes end in a letter.
 */
export const networkSet = (scope: string, { family, length }: Prefix): string =>
  `${scope}${family}_${length}`;

/** Scopes beside the services. */
export const OWN_SCOPES = ["allow", "live", "kept"] as const;

/** @returns true for a set whose elements may be permanent: what the allowlist opens without an end. */
export const mayBePermanent = (set: string): boolean => /_\d+$/.test(set) && !set.startsWith("kept");

/** @returns every scope that a plan has sets of. */
export function networkScopes(plan: TablePlan): string[] {
  const services = policiesOf(plan).flatMap((policy) => policy.services.map(({ name }) => name));
  return [...OWN_SCOPES, ...new Set(services)];
}

/** @returns a rule for each prefix that sends a source in one of the scope's networks somewhere. */
export function byNetwork(
  prefixes: readonly Prefix[],
  scope: string,
  verdict: string,
  condition = "",
): string[] {
  return prefixes.map((prefix) => `${condition}${source(prefix)} @${networkSet(scope, prefix)} ${verdict}`);
}

/** The source address with the host part masked away, as keys of the set are. */
function source(prefix: Prefix): string {
  const field = prefix.family === 4 ? "ip saddr" : "ip6 saddr";
  const isHost = prefix.length === (prefix.family === 4 ? 32 : 128);
  return isHost ? field : `${field} & ${maskOf(prefix)}`;
}
