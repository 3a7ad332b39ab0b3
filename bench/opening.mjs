// Knock to open: from the moment the last knock leaves to the first accepted connection.
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROBER = fileURLToPath(new URL("prober.mjs", import.meta.url));
/** Between two knocks of a sequence, as our clients do it. Milliseconds. */
const GAP = 20;

/** @typedef {import("./contestants.mjs").Contestant} Contestant */

/**
 * Measures contestants turn by turn, so that a busy moment of the machine hits all of them.
 * @param {Contestant[]} contestants
 * @param {number} rounds how many knocks each
 * @returns {Promise<Map<string, (number | null)[]>>} by name: milliseconds, null where it did not open in 5 s
 */
export async function measureOpenings(contestants, rounds) {
  const lanes = contestants.map((contestant) => ({ contestant, look: prober(contestant), times: [] }));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const { contestant, look, times } of lanes) {
      const time = await openOnce(contestant, look, sourceOf(round + WARM_UP));
      if (round >= 0) times.push(time);
    }
  }
  return new Map(lanes.map(({ contestant, times }) => [contestant.name, times]));
}

/** Knocks that are not counted: code that has never run is slow in any program. */
const WARM_UP = 5;

/** @param {number} n @returns {string} an address that nobody used before */
const sourceOf = (n) => `198.18.${1 + (n >> 8)}.${n & 255}`;

/** @param {Contestant} contestant @param {ReturnType<typeof prober>} look @param {string} from */
async function openOnce({ laptop, server, ports }, look, from) {
  const { address } = server;
  const before = ports.slice(0, -1);
  await laptop.agent.send({ address, ports: before, from, gap: GAP });
  await after(GAP);
  const { opened } = await look({ from, address, port: 22 });
  const { at } = await laptop.agent.send({ address, ports: ports.slice(-1), from });
  const accepted = await opened;
  return accepted === null ? null : accepted - at;
}

/**
 * Starts a prober on the contestant's laptop.
 * @param {Contestant} contestant
 * @returns {(where: object) => Promise<{ opened: Promise<number | null> }>} settles when it looks
 */
function prober({ laptop }) {
  const running = laptop.start(process.execPath, [PROBER]);
  const lines = createInterface({ input: running.child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  return async (where) => {
    running.child.stdin.write(`${JSON.stringify(where)}\n`);
    await next();
    return { opened: next().then(({ at }) => at) }; // in an object, or our caller's await would wait for it
  };
}
