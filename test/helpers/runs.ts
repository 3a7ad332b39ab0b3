/** How often a property is tried: `full` times in the long run (npm run test:long), `short` in every other. */
export const runs = (full: number, short: number): number =>
  process.env.KNOCKLINE_LONG === "1" ? full : short;
