// @ts-check
import { knockline } from "../contestants/all.mjs";
import { median } from "../figures.mjs";
import { inTurn } from "./measurement.mjs";

/** bash's `time` knows what a child used, to the millisecond; node:process only knows its own. */
const TIMED = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null';

/** `knockctl list` may cost at most so many times `node -e 0`. */
const BAR = 2;

/** @param {import("./measurement.mjs").Running} running @param {string[]} args of node @returns {Promise<number>} ms */
async function processorTimeOf({ stage }, args) {
  const ran = await stage.server.run("bash", ["-c", TIMED, "bash", process.execPath, ...args]);
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: exit ${ran.code}: ${ran.stderr}`);
  return ran.stderr
    .trim()
    .split(" ")
    .map(Number)
    .reduce((sum, seconds) => sum + seconds * 1_000, 0);
}

/** @type {import("./measurement.mjs").MeasurementOf<number>} */
export const command = {
  name: "command",
  title: "One `knockctl list`",
  method: "Processor time, median, in turns with `node -e 0`, which is what Node itself takes to start.",
  contestants: [knockline],
  counts: { quick: 3, usual: 9, full: 25 },
  columns: [
    { key: "list_ms", head: "CPU ms" },
    { key: "node_ms", head: "node -e 0" },
    { key: "ratio", head: "ratio", digits: 2 },
  ],
  measure: (contestants, rounds, tell) =>
    inTurn(contestants, {}, tell, async (running) => {
      const list = /** @type {number[]} */ ([]);
      const node = /** @type {number[]} */ ([]);
      for (let round = 0; round < rounds; round++) {
        tell(`${round + 1} of ${rounds}`);
        node.push(await processorTimeOf(running, ["-e", "0"]));
        list.push(await processorTimeOf(running, running.command?.(["list"]) ?? []));
      }
      const [list_ms, node_ms] = [median(list), median(node)];
      return { contestant: running.name, list_ms, node_ms, ratio: list_ms / node_ms };
    }),
  missed: ([row]) => [
    Number(row?.ratio) > BAR && `knockctl list takes over ${BAR} times the CPU of node -e 0`,
  ],
};
