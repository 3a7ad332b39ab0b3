// @ts-check
import { ALL_PORTS, shuffled } from "../../scripts/lab-flood.mjs";
import { programs } from "../contestants/all.mjs";
import { inTurn } from "./measurement.mjs";

/** Packets a second: what `nmap` in a hurry does. A sweep then takes 1.6 s, well within everybody's window. */
const RATE = 40_000;

/** @param {number} random how many sweeps in random order, each with its seed */
const sweepsOf = (random) => [
  { order: "ascending", ports: ALL_PORTS },
  ...Array.from({ length: random }, (_, seed) => ({
    order: "in random order",
    ports: shuffled(ALL_PORTS, seed),
  })),
];

/** @type {import("./measurement.mjs").MeasurementOf<number>} */
export const sweeps = {
  name: "sweeps",
  title: "Sweeps over all 65,535 UDP ports: how many open the door",
  method: `${RATE.toLocaleString("en")} packets a second from a fresh address, then that address tries the door. knockd and the nft rules have
the sequence of knockd's sample file (7000, 8000, 9000); knockline's ports are drawn at random, never ascending.`,
  contestants: programs,
  counts: { quick: 1, usual: 5, full: 30 },
  columns: [{ key: "opened", head: "opened" }],
  async measure(contestants, random, tell) {
    const results = await inTurn(contestants, {}, tell, async (running) => {
      const { stage, name } = running;
      /** @type {Map<string, { opened: number, of: number }>} */
      const counts = new Map();
      for (const { order, ports } of sweepsOf(random)) {
        tell(`${name}: ${order}`);
        const from = stage.freshSource();
        await (await stage.flood({ ports, from, rate: RATE, count: ports.length })).ended;
        const { opened, of } = counts.get(order) ?? { opened: 0, of: 0 };
        counts.set(order, { opened: opened + ((await stage.isOpen(from)) ? 1 : 0), of: of + 1 });
      }
      return [...counts].map(([order, { opened, of }]) => ({
        contestant: name,
        case: order,
        opened: `${opened}/${of}`,
      }));
    });
    return results.flat().toSorted((a, b) => a.case.localeCompare(b.case));
  },
  missed: (rows) => [
    rows.some((row) => row.contestant === "knockline" && !String(row.opened).startsWith("0/")) &&
      "a sweep opened the door",
  ],
};
