// @ts-check
import { travellers } from "../../scripts/lab-grants.mjs";
import { knockd, knockline } from "../contestants/all.mjs";
import { percentile } from "../figures.mjs";
import { inTurn, rowOf, thousands } from "./measurement.mjs";

/** Milliseconds. */
const BAR = { live: 50_000, p50: 2 };

/**
 * @param {import("./measurement.mjs").Running} running
 * @param {{ live: number, samples: number }} size
 */
async function grantMore(running, { live, samples }) {
  if (live > 0) await running.letIn?.(travellers(live));
  /** @type {number[]} */
  const times = [];
  for (let n = -1; n < samples; n++) {
    const start = performance.now();
    await running.grant?.(running.stage.freshSource());
    if (n >= 0) times.push(performance.now() - start); // the first is a warm-up
  }
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(times, share));
  return { contestant: running.name, case: `${thousands(live)} are live`, p50_ms: p50, p99_ms: p99 };
}

/** @type {import("./measurement.mjs").MeasurementOf<{ live: number[], samples: number }>} */
export const oneMore = {
  name: "one-more",
  title: "One more grant",
  method: `knockline: a grant asked of knockd over its socket, answered when it is on the disk and in the kernel; the others
are in its ledger. knockd: the command it runs, \`iptables -I\`, with as many rules of others.`,
  contestants: [knockline, knockd],
  counts: {
    quick: { live: [0, 1_000], samples: 10 },
    usual: { live: [0, 50_000], samples: 50 },
    full: { live: [0, 1_000, 10_000, 50_000], samples: 200 },
  },
  columns: [
    { key: "p50_ms", head: "p50 ms", digits: 2, compare: true },
    { key: "p99_ms", head: "p99 ms", digits: 1, compare: true },
  ],
  async measure(contestants, { live, samples }, tell) {
    const rows = [];
    for (const count of live) {
      const once = (/** @type {import("./measurement.mjs").Running} */ running) => {
        tell(`${thousands(count)} live: ${running.name}`);
        return grantMore(running, { live: count, samples });
      };
      rows.push(...(await inTurn(contestants, {}, tell, once)));
    }
    return rows;
  },
  missed: (rows) => [
    Number(rowOf(rows, "knockline", `${thousands(BAR.live)} are live`)?.p50_ms) > BAR.p50 &&
      `one more grant takes over ${BAR.p50} ms with 50,000 live`,
  ],
};
