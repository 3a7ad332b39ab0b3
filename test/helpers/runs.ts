/** How much of something dear is done, mostly how often a property is tried: `full` in the long run, `short` in others. */
export const runs = (full: number, short: number): number =>
  process.env.KNOCKLINE_LONG === "1" ? full : short;
