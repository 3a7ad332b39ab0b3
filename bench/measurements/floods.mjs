// @ts-check
import { setTimeout as after } from "node:timers/promises";
import { ALL_PORTS, shuffled } from "../../scripts/lab-flood.mjs";
import { programs } from "../contestants/all.mjs";
import { percentile } from "../figures.mjs";
import { processorTime } from "../processes.mjs";
import { FORGED } from "../stage.mjs";
import { inTurn, rowOf, thousands } from "./measurement.mjs";

/** Between two real knocks, for how long one may take, and how long the flood runs before the first. Milliseconds. */
const EVERY = 100;
const PATIENCE = 2_000;
const HEAD_START = 500;

/** The bar: a real knock during 10,000 forged packets a second. Milliseconds. */
const BAR = { rate: 10_000, p99: 100 };

/** @type {Record<string, (running: import("./measurement.mjs").Running) => Partial<import("../../scripts/lab-flood.mjs").Flood> & { ports: number[] }>} */
const KINDS = {
  "from one source": ({ firstPort, stage }) => ({ ports: [firstPort], from: stage.freshSource() }),
  "from 65,536 forged sources": ({ firstPort }) => ({ ports: [firstPort], forged: FORGED }),
  "at random ports, 65,536 forged sources": () => ({ ports: shuffled(ALL_PORTS, 1), forged: FORGED }),
};

/**
 * @param {import("./measurement.mjs").Running} running
 * @param {string} kind
 * @param {{ rate: number, knocks: number }} size rate 0: as fast as the sender can
 */
async function floodOnce(running, kind, { rate, knocks }) {
  const { stage } = running;
  const aim = KINDS[kind]?.(running) ?? { ports: [] };
  const flood = await stage.flood({ ...aim, rate });
  await after(HEAD_START);
  const [cpu, start] = [processorTime(running.daemons), performance.now()];
  /** @type {Promise<number | null>[]} */
  const times = [];
  for (let n = 0; n < knocks; n++) {
    const from = stage.freshSource();
    const datagrams = await running.knock(from);
    times.push(stage.knockAndLook(from, datagrams, PATIENCE));
    await after(EVERY);
  }
  const opened = (await Promise.all(times)).filter((time) => time !== null);
  const share = (processorTime(running.daemons) - cpu) / (performance.now() - start);
  const { sent, ms } = await flood.stop();
  return {
    contestant: running.name,
    case: `${rate === 0 ? "as fast as it goes" : `${thousands(rate)}/s`} ${kind}`,
    sent_per_s: Math.round((sent * 1000) / ms),
    opened: `${opened.length}/${knocks}`,
    p99_ms: opened.length > 0 ? percentile(opened, 0.99) : null,
    cpu_percent: running.daemons.length > 0 ? share * 100 : null,
  };
}

/** @type {import("./measurement.mjs").MeasurementOf<{ rates: number[], knocks: number }>} */
export const floods = {
  name: "floods",
  title: "Real knocks during a flood",
  method: `Empty UDP datagrams to the port where a knock begins (the worst case: the attacker knows it) or to all ports in
random order, from the cable that the knocks use. A real knock begins every ${EVERY} ms from a fresh address and may take
${PATIENCE / 1000} s; nobody knocks twice. The times are to within 10 ms. CPU: of the daemon and its children, in % of one core.`,
  contestants: programs,
  counts: {
    quick: { rates: [10_000], knocks: 5 },
    usual: { rates: [10_000], knocks: 30 },
    full: { rates: [1_000, 10_000, 50_000, 0], knocks: 30 },
  },
  columns: [
    { key: "sent_per_s", head: "sent/s" },
    { key: "opened", head: "opened" },
    { key: "p99_ms", head: "p99 ms", digits: 0 },
    { key: "cpu_percent", head: "CPU %", digits: 0 },
  ],
  async measure(contestants, { rates, knocks }, tell) {
    const rows = [];
    for (const rate of rates) {
      for (const kind of Object.keys(KINDS)) {
        const once = async (/** @type {import("./measurement.mjs").Running} */ running) => {
          tell(`${thousands(rate)}/s ${kind}: ${running.name}`);
          return floodOnce(running, kind, { rate, knocks });
        };
        rows.push(...(await inTurn(contestants, {}, tell, once)));
      }
    }
    return rows;
  },
  missed: (rows) =>
    Object.keys(KINDS).flatMap((kind) => {
      const which = `${thousands(BAR.rate)}/s ${kind}`;
      const ours = rowOf(rows, "knockline", which);
      const [opened, knocks] = String(ours?.opened).split("/");
      return [
        ours !== undefined && opened !== knocks && `not every real knock opens at ${which}`,
        Number(ours?.p99_ms) > BAR.p99 && `p99 is over ${BAR.p99} ms at ${which}`,
      ];
    }),
};
