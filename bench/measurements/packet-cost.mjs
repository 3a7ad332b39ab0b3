// @ts-check
import { travellers } from "../../scripts/lab-grants.mjs";
import { knockd, knockline, nftOnly } from "../contestants/all.mjs";
import { noRules } from "../contestants/no-rules.mjs";
import { median } from "../figures.mjs";
import { CLOSED_UDP } from "../stage.mjs";
import { rowOf, thousands, together } from "./measurement.mjs";

/** Looks, turn by turn, and how long each. */
const LOOKS = 5;
const SPAN = 400;

/** With 50,000 grants at most so many times what it costs with none. */
const BAR = { most: 50_000, times: 1.3 };

/** @param {number} count */
const caseOf = (count) => `${thousands(count)} grants`;

/** @param {import("./measurement.mjs").Running} running @returns {Promise<number>} ns a packet */
async function lookOnce({ stage }) {
  const flood = await stage.flood({ ports: [CLOSED_UDP] });
  await new Promise((done) => setTimeout(done, SPAN));
  const { sent, cpu_ms } = await flood.stop();
  return (cpu_ms * 1e6) / sent;
}

/** @type {import("./measurement.mjs").MeasurementOf<number[]>} */
export const packetCost = {
  name: "packet-cost",
  title: "What a stranger's packet costs while others are let in",
  method: `One sender without a grant sends datagrams to a closed UDP port, as fast as it can over a veth cable; the kernel
takes each through the receiver's rules within the sender's own system call, so the sender's processor time a packet is
the cost of both ends. "no rules" is what the sending alone takes. Median of ${LOOKS} looks, in turns.`,
  contestants: [knockline, knockd, nftOnly, noRules],
  counts: { quick: [0, 1_000], usual: [0, 1_000, 10_000, 50_000], full: [0, 1_000, 10_000, 50_000] },
  columns: [{ key: "ns", head: "ns a packet", compare: true }],
  async measure(contestants, counts, tell) {
    /** @type {import("./measurement.mjs").Row[]} */
    const rows = [];
    for (const count of counts) {
      tell(`${caseOf(count)} are made`);
      await together(contestants, {}, tell, async (running) => {
        if (count > 0) for (const one of running) await one.letIn?.(travellers(count));
        const looks = running.map(() => /** @type {number[]} */ ([]));
        for (let look = 0; look < LOOKS; look++) {
          tell(`${caseOf(count)}, look ${look + 1}`);
          for (const [n, one] of running.entries()) looks[n]?.push(await lookOnce(one));
        }
        for (const [n, one] of running.entries())
          rows.push({ contestant: one.name, case: caseOf(count), ns: median(looks[n] ?? []) });
      });
    }
    return rows;
  },
  missed: (rows) => {
    const [none, most] = [0, BAR.most].map((count) => Number(rowOf(rows, "knockline", caseOf(count))?.ns));
    return [
      Number(most) / Number(none) > BAR.times &&
        `a packet costs over ${BAR.times} times as much with 50,000 grants`,
    ];
  },
};
