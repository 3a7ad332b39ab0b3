// @ts-check
import { programs } from "../contestants/all.mjs";
import { memoryOf } from "../processes.mjs";
import { FORGED_WIDE } from "../stage.mjs";
import { inTurn, thousands } from "./measurement.mjs";

/**
 * @param {import("./measurement.mjs").Running} running
 * @param {number} count
 */
async function afterForged(running, count) {
  const { stage, firstPort, daemons } = running;
  const flood = await stage.flood({ ports: [firstPort], forged: FORGED_WIDE, count });
  await flood.ended;
  const from = stage.freshSource();
  const ms = await stage.timeKnock(from, await running.knock(from));
  const [daemon] = daemons;
  return {
    contestant: running.name,
    case: `${thousands(count)} forged`,
    opened: ms !== null,
    ms,
    peak_mib: daemon === undefined ? null : memoryOf(daemon, "VmHWM"),
  };
}

/** @type {import("./measurement.mjs").MeasurementOf<number[]>} */
export const halfOpen = {
  name: "half-open",
  title: "A real knock right after forged half-knocks",
  method: `First steps (for fwknopd: empty packets) from as many forged addresses, as fast as they can be sent; then, at
once, one real knock from a fresh address, timed as above. Memory: the daemon's peak.`,
  contestants: programs,
  counts: { quick: [1_000], usual: [1_000, 100_000], full: [1_000, 10_000, 100_000, 1_000_000] },
  columns: [
    { key: "opened", head: "opens" },
    { key: "ms", head: "ms", digits: 1 },
    { key: "peak_mib", head: "peak MiB", digits: 0 },
  ],
  async measure(contestants, counts, tell) {
    const rows = [];
    for (const count of counts) {
      const once = async (/** @type {import("./measurement.mjs").Running} */ running) => {
        tell(`${thousands(count)}: ${running.name}`);
        return afterForged(running, count);
      };
      rows.push(...(await inTurn(contestants, {}, tell, once)));
    }
    return rows;
  },
  missed: (rows) => [
    rows.some((row) => row.contestant === "knockline" && row.opened === false) &&
      "a real knock after forged half-knocks does not open",
  ],
};
