// Knock to open: from the moment the last knock leaves to the first accepted connection.
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Between two knocks of a sequence, as our clients do it. Milliseconds. */
const GAP = 20;
/** Knocks that are not counted: code that has never run is slow in any program. */
const WARM_UP = 5;

/** @typedef {import("./contestants.mjs").Contestant} Contestant */
/** @typedef {{ say: (message: object) => void, hear: () => Promise<any> }} Line */
/** @typedef {{ contestant: Contestant, knocker: Line, prober: Line, times: (number | null)[] }} Lane */

/**
 * Measures contestants turn by turn, so that a busy moment of the machine hits all of them.
 * @param {Contestant[]} contestants
 * @param {number} rounds how many knocks each
 * @returns {Promise<Map<string, (number | null)[]>>} by name: milliseconds, null where it did not open in 5 s
 */
export async function measureOpenings(contestants, rounds) {
  /** @type {Lane[]} */
  const lanes = contestants.map((contestant) => ({
    contestant,
    knocker: lineTo(contestant.laptop, "knocker.mjs"),
    prober: lineTo(contestant.laptop, "prober.mjs"),
    times: [],
  }));
  for (let round = 0; round < WARM_UP + rounds; round++) {
    for (const lane of lanes) {
      const time = await openOnce(lane, sourceOf(round));
      if (round >= WARM_UP) lane.times.push(time);
    }
  }
  return new Map(lanes.map(({ contestant, times }) => [contestant.name, times]));
}

/** @param {number} n @returns {string} an address that nobody used before */
const sourceOf = (n) => `198.18.${1 + (n >> 8)}.${n & 255}`;

/** @param {Lane} lane @param {string} from */
async function openOnce({ contestant: { server, ports }, knocker, prober }, from) {
  const { address } = server;
  knocker.say({ from, address, ports: ports.slice(0, -1), gap: GAP });
  await knocker.hear();
  await after(GAP);
  prober.say({ from, address, port: 22 });
  await prober.hear(); // its first SYN has left, and was dropped
  knocker.say({ from, address, ports: ports.slice(-1), gap: 0 });
  const { at: knocked } = await knocker.hear();
  const { at: accepted } = await prober.hear();
  return accepted === null ? null : accepted - knocked;
}

/**
 * Starts one of our programs in a namespace.
 * @param {import("../scripts/lab-host.mjs").Host} host
 * @param {string} program
 * @returns {Line} JSON lines to it and from it
 */
function lineTo(host, program) {
  const { child } = host.start(process.execPath, [fileURLToPath(new URL(program, import.meta.url))]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    hear: async () => JSON.parse((await lines.next()).value),
  };
}
