import { setTimeout as after } from "node:timers/promises";

/** How long to wait (milliseconds, 5,000 by default), how often to look (20), and what for, said on failure. */
export interface Waiting {
  readonly what: string;
  readonly deadline?: number;
  readonly every?: number;
}

/**
 * Waits until the condition gives something true.
 * @returns what it gave
 * @throws Error naming `what` when the deadline passes, with the last error the condition threw, if any
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, deadline = 5_000, every = 20 }: Waiting,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + deadline;
  let last: unknown;
  for (;;) {
    try {
      const got = await condition();
      if (got) return got as Exclude<T, false | undefined | null>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`after ${deadline} ms still not: ${what}`, { cause: last });
    await after(every);
  }
}

/**
 * Looks again and again for the whole span.
 * @throws Error naming `what` as soon as the condition is false once
 */
export async function always(
  condition: () => boolean | Promise<boolean>,
  { what, deadline = 1_000, every = 50 }: Waiting,
): Promise<void> {
  const end = performance.now() + deadline;
  while (performance.now() < end) {
    if (!(await condition())) throw new Error(`for ${deadline} ms it should have held: ${what}`);
    await after(every);
  }
}
