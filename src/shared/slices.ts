/** Ends a turn of the event loop: whatever waits runs before it comes back. */
export type Breathe = () => Promise<void>;

/** How many are done in one turn: about a millisecond. */
const SLICE = 2_000;

/** Does something with each of very many, and lets others run in between. */
export async function inSlices<T>(
  items: Iterable<T>,
  breathe: Breathe,
  each: (item: T) => void,
): Promise<void> {
  let count = 0;
  for (const item of items) {
    each(item);
    count += 1;
    if (count % SLICE === 0) await breathe();
  }
}
