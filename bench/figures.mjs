// Figures from samples.

/**
 * @param {number[]} samples
 * @param {number} share 0 .. 1
 * @returns {number} the sample that this share of all is not above (nearest rank)
 */
export function percentile(samples, share) {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** @param {number[]} samples */
export const median = (samples) => percentile(samples, 0.5);

/**
 * @param {string[][]} rows the first is the heading
 * @returns {string} columns, the first to the left, the others to the right
 */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return rows.map((row) => row.map(pad).join("  ")).join("\n");
}
