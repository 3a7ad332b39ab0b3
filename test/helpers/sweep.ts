import { fileURLToPath } from "node:url";
import type { Step } from "../../src/shared/users/user.ts";
import type { Host } from "./lab.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** Every port there is. */
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
  const [program, args, input] =
    proto === "udp"
      ? [
          process.execPath,
          ["sweeper.mjs", JSON.stringify({ address, from: source, rate })],
          JSON.stringify(ports),
        ]
      : ["perl", ["syn-sweeper.pl", address, source, `${rate}`], `${ports.join(" ")}\n`];
  const ran = await from.run(program, args, { cwd: FOLDER, input, timeout: 60_000 });
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
