import { fileURLToPath } from "node:url";
import { ALL_PORTS, flood, shuffled } from "../../scripts/lab-flood.mjs";
import type { Step } from "../../src/shared/users/user.ts";
import type { Host } from "./lab.ts";

export { ALL_PORTS };

const SYN_SWEEPER = fileURLToPath(new URL("syn-sweeper.pl", import.meta.url));

/** A sweep over every port, told by how a person would call it. */
export interface Sweep {
  readonly name: string;
  readonly ports: readonly number[];
}

/** @returns the sweeps that everybody tries first, then `random` shuffled ones, each named by its seed. */
export function allSweeps(random: number): Sweep[] {
  const seeds = Array.from({ length: random }, () => Math.floor(Math.random() * 2 ** 32));
  return [
    { name: "ascending", ports: ALL_PORTS },
    { name: "descending", ports: ALL_PORTS.toReversed() },
    ...seeds.map((seed) => ({ name: `random, seed ${seed}`, ports: shuffled(ALL_PORTS, seed) })),
  ];
}

/** Packets a second. */
const RATES = { udp: 40_000, tcp: 20_000 } as const;

/** How a sweep is made: by datagrams, or SYNs; `source`: see Host.anyip; `rate`: packets a second, RATES by default. */
interface Manner {
  readonly source?: string;
  readonly proto?: Step["proto"];
  readonly rate?: number;
}

/**
 * Sends a packet to every port of a sweep.
 * @returns how many left, and in how many milliseconds
 * @throws Error with what the sender said
 */
export async function sweep(
  from: Host,
  address: string,
  ports: readonly number[],
  { source = from.address, proto = "udp", rate = RATES[proto] }: Manner = {},
): Promise<{ sent: number; ms: number }> {
  if (proto === "udp") return flood(from, { address, ports, from: source, rate });
  const args = [SYN_SWEEPER, address, source, `${rate}`];
  const ran = await from.run("perl", args, { input: `${ports.join(" ")}\n`, timeout: 60_000 });
  if (ran.code !== 0) throw new Error(`the sweep did not end: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}
