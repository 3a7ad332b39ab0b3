import { fileURLToPath } from "node:url";
import type { Host } from "./lab.ts";

const SWEEPER = fileURLToPath(new URL("sweeper.mjs", import.meta.url));

/** Every UDP port there is. */
export const ALL_PORTS: readonly number[] = Array.from({ length: 65_535 }, (_, i) => i + 1);

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

/**
 * Sends a datagram to every port of a sweep.
 * @param options `source`: see Host.anyip; `rate`: packets a second, 40,000 by default
 * @returns how many left, and in how many milliseconds
 * @throws Error with what the sender said
 */
export async function sweep(
  from: Host,
  address: string,
  ports: readonly number[],
  { source = from.address, rate = 40_000 } = {},
): Promise<{ sent: number; ms: number }> {
  const args = [SWEEPER, JSON.stringify({ address, from: source, rate })];
  const ran = await from.run(process.execPath, args, { input: JSON.stringify(ports), timeout: 60_000 });
  if (ran.code !== 0) throw new Error(`the sweep did not end: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** Fisher-Yates with mulberry32, so that a seed that fails can be tried again. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
