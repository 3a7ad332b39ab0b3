import { formatPorts, type PortRange } from "../firewall/policy.ts";
import { COMMON_PORTS } from "./common-ports.ts";
import type { Step, User } from "./user.ts";

/** Draws whole numbers: `random(n)` is uniform in 0 .. n-1. The adapter is crypto.randomInt. */
export type Random = (n: number) => number;

/** Ports of this host that a knock must not collide with. */
export interface PortsInUse {
  /** Ports somebody listens on, TCP or UDP. */
  readonly listening: ReadonlySet<number>;
  /** net.ipv4.ip_local_port_range: where answers to the host's own traffic arrive. */
  readonly ephemeral: { readonly from: number; readonly to: number };
}

/** What a draw must respect. */
export interface DrawRules {
  readonly range: { readonly from: number; readonly to: number };
  /** Ports of configured services and public ports. */
  readonly covered: readonly PortRange[];
  readonly inUse: PortsInUse;
  /** Ports of other users and decoys. */
  readonly taken: ReadonlySet<number>;
}

/** How far apart a user's own ports are. */
const APART = 100;
/** Draws before we say that the range is too small. */
const TRIES = 10_000;

/**
 * Draws the ports of one sequence: distinct, APART from one another, neither ascending nor descending (a sixth
 * of random triples would fall to a scanner that counts up, another sixth to one that counts down).
 * @returns undefined when the range has no room
 */
export function drawSequence(
  protos: readonly Step["proto"][],
  rules: DrawRules,
  random: Random,
): Step[] | undefined {
  for (let tries = 0; tries < TRIES; tries++) {
    const ports = protos.map(() => drawPort(rules, random));
    if (!ports.every((port) => port !== undefined)) return undefined;
    if (wellSpread(ports)) return protos.map((proto, i) => ({ proto, port: ports[i] ?? 0 }));
  }
  return undefined;
}

/** Draws `n` decoy ports that belong to nobody. @returns fewer when the range has no room */
export function drawDecoys(n: number, rules: DrawRules, random: Random): number[] {
  const taken = new Set(rules.taken);
  const decoys: number[] = [];
  while (decoys.length < n) {
    const port = drawPort({ ...rules, taken }, random);
    if (port === undefined) break;
    taken.add(port);
    decoys.push(port);
  }
  return decoys;
}

/** Ports that no knock may lie in. `whose`: what they are for, as it stands in the settings: `service sip`. */
export interface Covered extends PortRange {
  readonly whose: string;
}

/** Names every user whose ports a setting covers now, with the port and what covers it. */
export function coveredPorts(users: Iterable<User>, covered: readonly Covered[]): string[] {
  const problems: string[] = [];
  for (const user of users) {
    for (const step of user.steps) {
      const range = covered.find(({ from, to }) => from <= step.port && step.port <= to);
      if (range !== undefined) {
        problems.push(
          `user ${user.name}: knock port ${step.proto}/${step.port} lies in ${range.whose} (${formatPorts(range)}); draw new ones: knockctl user rotate ${user.name} --ports`,
        );
      }
    }
  }
  return problems;
}

function drawPort(rules: DrawRules, random: Random): number | undefined {
  const { from, to } = rules.range;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = from + random(to - from + 1);
    if (isFree(port, rules)) return port;
  }
  return undefined;
}

function isFree(port: number, { covered, inUse, taken }: DrawRules): boolean {
  return (
    !taken.has(port) &&
    !COMMON_PORTS.has(port) &&
    !inUse.listening.has(port) &&
    !(inUse.ephemeral.from <= port && port <= inUse.ephemeral.to) &&
    !covered.some(({ from, to }) => from <= port && port <= to)
  );
}

function wellSpread(ports: readonly number[]): boolean {
  const apart = ports.every((a, i) => ports.slice(i + 1).every((b) => Math.abs(a - b) >= APART));
  const ascending = ports.every((port, i) => i === 0 || port > (ports[i - 1] ?? 0));
  const descending = ports.every((port, i) => i === 0 || port < (ports[i - 1] ?? 0));
  return apart && !ascending && !descending;
}
