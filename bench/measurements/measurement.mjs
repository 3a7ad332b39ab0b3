// @ts-check
// What all measurements have in common.

/** @typedef {import("../contestants/contestant.mjs").Contestant} Contestant */
/** @typedef {import("../contestants/contestant.mjs").Running} Running */
/** @typedef {import("../contestants/contestant.mjs").Wish} Wish */

/** @typedef {number | boolean | string | null} Figure null: it did not happen */
/** @typedef {{ contestant: string, case?: string, [figure: string]: Figure | undefined }} Row */
/** @typedef {(text: string) => void} Tell a word on how far it is */

/**
 * @typedef {object} Column
 * @property {string} key of the rows
 * @property {string} head with the unit
 * @property {number} [digits] behind the point, 0 by default
 * @property {boolean} [compare] small is good: others are told as so many times knockline's
 */

/**
 * @template Count
 * @typedef {object} MeasurementOf
 * @property {string} name as `--only` calls it
 * @property {string} title
 * @property {string} method how it is measured, for people
 * @property {Contestant[]} contestants who takes part
 * @property {{ quick: Count, usual: Count, full: Count }} counts
 * @property {Column[]} columns
 * @property {(contestants: Contestant[], count: Count, tell: Tell) => Promise<Row[]>} measure
 * @property {(rows: Row[]) => (string | false)[]} [missed] what was promised and not kept
 */

/** @typedef {MeasurementOf<any>} Measurement */

/**
 * Has contestants run side by side for as long as the work takes.
 * @template T
 * @param {Contestant[]} contestants
 * @param {Wish} wish
 * @param {Tell} tell
 * @param {(running: Running[]) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function together(contestants, wish, tell, work) {
  /** @type {Running[]} */
  const running = [];
  try {
    for (const contestant of contestants) {
      tell(`${contestant.name} starts`);
      running.push(await contestant.start(wish));
    }
    return await work(running);
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}

/**
 * Has them run one after the other, each alone.
 * @template T
 * @param {Contestant[]} contestants
 * @param {Wish} wish
 * @param {Tell} tell
 * @param {(running: Running) => Promise<T>} work
 * @returns {Promise<T[]>}
 */
export async function inTurn(contestants, wish, tell, work) {
  const results = [];
  for (const contestant of contestants)
    results.push(await together([contestant], wish, tell, ([one]) => work(/** @type {Running} */ (one))));
  return results;
}

/** @param {Row[]} rows @param {string} contestant @param {string} [which] case @returns {Row | undefined} */
export const rowOf = (rows, contestant, which) =>
  rows.find((row) => row.contestant === contestant && (which === undefined || row.case === which));

/** @param {number} n @returns {string} 10000 -> "10,000" */
export const thousands = (n) => n.toLocaleString("en");
