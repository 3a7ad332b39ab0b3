/** Randomness that can be had again: the seed is in the environment or drawn, and told either way. */
export interface Dice {
  readonly seed: number;
  /** @returns a whole number in 0 .. n-1 */
  below(n: number): number;
  /** @returns one of a list */
  of<T>(list: readonly T[]): T;
}

/** @param name what is drilled, for the line that tells the seed: `KNOCKLINE_SEED=7 npm test` has it again */
export function dice(name: string): Dice {
  const seed = Number(process.env.KNOCKLINE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: KNOCKLINE_SEED=${seed}`);
  let state = seed >>> 0;
  // the generator of "Numerical Recipes"; its upper bits are the random ones
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return { seed, below, of: (list) => list[below(list.length)] as (typeof list)[number] };
}
