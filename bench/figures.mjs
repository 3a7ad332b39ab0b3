// @ts-check
// Figures from samples.

/**
 * @param {readonly number[]} samples
 * @param {number} share 0 .. 1
 * @returns {number} the sample that this share of all is not above (nearest rank); NaN without samples
 */
export function percentile(samples, share) {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** @param {readonly number[]} samples */
export const median = (samples) => percentile(samples, 0.5);

/**
 * @param {readonly string[][]} rows the first is the heading
 * @param {number} left so many columns are words
 * @returns {string} columns: words to the left, figures to the right
 */
export function table(rows, left) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (/** @type {string} */ cell, /** @type {number} */ column) =>
    column < left ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
