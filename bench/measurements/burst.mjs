// @ts-check
import { setTimeout as after } from "node:timers/promises";
import { programs } from "../contestants/all.mjs";
import { inTurn, thousands } from "./measurement.mjs";

/** Between two looks at the firewall, and after how long without a new door nobody waits on. Milliseconds. */
const EVERY = 200;
const PATIENCE = 6_000;

/**
 * @param {import("./measurement.mjs").Running} running
 * @param {number} size
 * @param {import("./measurement.mjs").Tell} tell
 */
async function burst(running, size, tell) {
  const knocks = [];
  for (let n = 0; n < size; n++) {
    const from = running.stage.freshSource();
    knocks.push({ from, datagrams: await running.knock(from) });
    tell(`${running.name}: ${thousands(n + 1)} knocks are made`);
  }
  const start = performance.now();
  const sending = running.stage.knockAll(knocks);
  let [opened, last] = [0, start];
  while (opened < size && performance.now() - last < PATIENCE) {
    await after(EVERY);
    const now = await running.openDoors();
    if (now > opened) [opened, last] = [now, performance.now()];
    tell(`${running.name}: ${thousands(opened)} are in`);
  }
  await sending;
  return {
    contestant: running.name,
    opened: `${opened}/${size}`,
    seconds: opened > 0 ? (last - start) / 1000 : null,
  };
}

/** @type {import("./measurement.mjs").MeasurementOf<number>} */
export const burstOfClients = {
  name: "burst",
  title: "Clients that knock in the same moment",
  method: `All knocks are made beforehand and sent at once, each from an address of its own, 20 ms between steps. The
firewall is asked every ${EVERY} ms how many addresses it lets in, until all are in or none came for ${PATIENCE / 1000} s.`,
  contestants: programs,
  counts: { quick: 100, usual: 1_000, full: 1_000 },
  columns: [
    { key: "opened", head: "opened" },
    { key: "seconds", head: "seconds until the last", digits: 1, compare: true },
  ],
  measure: (contestants, size, tell) =>
    inTurn(contestants, {}, tell, (running) => burst(running, size, tell)),
};
