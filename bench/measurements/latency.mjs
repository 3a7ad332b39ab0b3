// @ts-check
import { everybody, fwknopdPcap, knockd, knockline, knocklineSsh } from "../contestants/all.mjs";
import { percentile } from "../figures.mjs";
import { rowOf, together } from "./measurement.mjs";

/** Users beside the one that knocks: their sockets are open and cost what they cost. */
const USERS = 50;
/** Knocks that are not counted: code that has never run is slow in any program. */
const WARM_UP = 5;

/** What README and issue promise: milliseconds, and how many times faster than whom. */
const BARS = { none: 1.5, ssh: 3, knockd: 10, fwknopd: 50 };

/** @type {import("./measurement.mjs").MeasurementOf<number>} */
export const latency = {
  name: "latency",
  title: "Knock to open",
  method: `From the moment the last datagram is handed to the kernel to the first accepted connection, both read from the
clock that all processes share. Contestants take turns, knock by knock, so a busy moment hits all; every knock comes from
an address that was never used before, 20 ms between its steps, made before it is timed (a signature, fwknop's packet).
A process of its own sends a SYN every 0.1 ms. The first ${WARM_UP} of each are not counted. knockline has ${USERS} users.`,
  contestants: everybody,
  counts: { quick: 10, usual: 100, full: 500 },
  columns: [
    { key: "opened", head: "opened" },
    { key: "p50_ms", head: "p50 ms", digits: 2, compare: true },
    { key: "p99_ms", head: "p99 ms", digits: 1, compare: true },
  ],
  measure: (contestants, rounds, tell) =>
    together(contestants, { users: USERS, knocks: WARM_UP + rounds }, tell, async (running) => {
      const lanes = running.map((one) => ({ one, times: /** @type {(number | null)[]} */ ([]) }));
      for (let round = 0; round < WARM_UP + rounds; round++) {
        for (const { one, times } of lanes) {
          const from = one.stage.freshSource();
          const time = await one.stage.timeKnock(from, await one.knock(from));
          if (round >= WARM_UP) times.push(time);
          tell(`knock ${round + 1} of ${WARM_UP + rounds}`);
        }
      }
      return lanes.map(({ one, times }) => {
        const opened = times.filter((time) => time !== null);
        const [p50, p99] = [0.5, 0.99].map((share) => percentile(opened, share));
        return { contestant: one.name, opened: `${opened.length}/${rounds}`, p50_ms: p50, p99_ms: p99 };
      });
    }),
  missed: (rows) => {
    const p50 = (/** @type {{ name: string }} */ { name }) => Number(rowOf(rows, name)?.p50_ms);
    return [
      p50(knockline) > BARS.none && `knock to open p50 is over ${BARS.none} ms`,
      p50(knocklineSsh) > BARS.ssh && `knock to open p50 with an SSH key is over ${BARS.ssh} ms`,
      p50(knockd) / p50(knockline) < BARS.knockd && `less than ${BARS.knockd} times faster than knockd`,
      p50(fwknopdPcap) / p50(knockline) < BARS.fwknopd &&
        `less than ${BARS.fwknopd} times faster than fwknopd`,
    ];
  },
};
