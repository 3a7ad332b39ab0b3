import type { Duration } from "../duration.ts";

/** A run of ports of one protocol, both ends included. */
export interface PortRange {
  readonly proto: "tcp" | "udp";
  readonly from: number;
  readonly to: number;
}

/** One guarded service: its ports, and whether it accepts the reply direction of the host's own connections. */
export interface Service {
  readonly name: string;
  readonly ports: readonly PortRange[];
  readonly replies: boolean;
}

/**
 * All that decides what the table closes and marks: what `firewall apply` tries and `confirm` makes current.
 * Plain data, kept as JSON in the store; two policies are the same when their JSON is.
 */
export interface Policy {
  readonly guard: "nothing" | "services" | "everything";
  readonly mode: "guard" | "mark";
  /** Our one bit of the packet and conntrack marks, e.g. 0x04000000. */
  readonly mark: number;
  readonly onExpiry: "keep" | "cut";
  /** How long after a grant's end a kept TCP session may go on. Milliseconds. */
  readonly keepMax: Duration;
  readonly services: readonly Service[];
  /** Ports open to everybody under guard "everything". */
  readonly public: readonly PortRange[];
  /** Interface names, `tun*` as a wildcard; `lo` is always trusted and not listed. */
  readonly trustedInterfaces: readonly string[];
  readonly hooks: readonly ("input" | "forward")[];
}

/** Sets of ours beside those of the services; a service may not bear one of these names. */
export const OWN_NAMES: readonly string[] = [
  "adopted",
  "allow",
  "armed",
  "cnt",
  "kept",
  "knock",
  "live",
  "public",
  "rate",
  "revoked",
  "scanner",
  "touch",
  "trial",
  "trusted",
];

/**
 * @returns true for a name a service may bear: DESIGN section 4. It ends in a letter, for its sets are `<service>4` and
 *   `<service>4_24`: `ssh4_` would claim one of ssh's, and a set `a_4` would pass for one of the allowlist's.
 */
export function isServiceName(name: string): boolean {
  return /^[a-z](?:[a-z0-9_]{0,12}[a-z])?$/.test(name) && !OWN_NAMES.includes(name);
}

/** @returns true for an interface's name (letters that Linux names use, IFNAMSIZ), or the start of one: `tun*`. */
export function isInterfaceName(name: string): boolean {
  return /^(?=.{1,15}$)[A-Za-z0-9_.:-]+\*?$/.test(name);
}

/** Writes a port range as settings do: `tcp/22`, `udp/10000-20000`. */
export function formatPorts({ proto, from, to }: PortRange): string {
  return from === to ? `${proto}/${from}` : `${proto}/${from}-${to}`;
}
