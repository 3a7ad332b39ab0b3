// @ts-check
// Every measurement, in the order of the report.
import { burstOfClients } from "./burst.mjs";
import { command } from "./command.mjs";
import { flush, kill9, replay } from "./disasters.mjs";
import { floods } from "./floods.mjs";
import { halfOpen } from "./half-open.mjs";
import { idle } from "./idle.mjs";
import { latency } from "./latency.mjs";
import { oneMore } from "./one-more.mjs";
import { packetCost } from "./packet-cost.mjs";
import { sweeps } from "./sweeps.mjs";

/** @type {import("./measurement.mjs").Measurement[]} */
export const measurements = [
  latency,
  burstOfClients,
  floods,
  halfOpen,
  packetCost,
  oneMore,
  idle,
  command,
  sweeps,
  kill9,
  flush,
  replay,
];
