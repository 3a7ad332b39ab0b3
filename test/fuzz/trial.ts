import fc from "fast-check";
import { inputsOf } from "./mutation.ts";
import type { Target } from "./target.ts";

/** How long one input may take where the target does not say: of processor time, ms, so that a busy machine counts less. */
const LIMIT = 250;

/** What every object inherits: a reader that adds to it has been led astray by a key of the input. */
const INHERITED = Reflect.ownKeys(Object.prototype).length;

/**
 * Gives one input to a target.
 * @throws what the target threw or asserted, or an Error for one that took too long three times in a row: once may be
 *   the machine's fault
 */
export async function tryInput(target: Target, bytes: Buffer): Promise<void> {
  const limit = target.limit ?? LIMIT;
  let took = 0;
  for (let times = 0; times < 3; times++) {
    const start = process.cpuUsage();
    const result = await target.run(bytes);
    const { user, system } = process.cpuUsage(start);
    took = (user + system) / 1000;
    target.holds?.(result, bytes);
    if (Reflect.ownKeys(Object.prototype).length !== INHERITED)
      throw new Error("Object.prototype was changed");
    if (took <= limit) return;
  }
  throw new Error(
    `${bytes.length} bytes took ${Math.round(took)} ms, three times over: ${limit} is the limit`,
  );
}

/** A failing input, made as small as it gets. */
export interface Finding {
  readonly bytes: Buffer;
  readonly error: unknown;
}

/** How inputs are tried. */
export interface Trial {
  readonly seed: number;
  readonly runs: number;
  /** Called before each input. */
  readonly before?: (bytes: Buffer) => void;
  /** Whether this fault is known, and is to be passed over. */
  readonly isKnown?: (error: unknown) => boolean;
}

/** Tries inputs until one fails. The same seed gives the same inputs. */
export async function tryMany(target: Target, trial: Trial): Promise<Finding | undefined> {
  const { seed, runs, before, isKnown } = trial;
  const property = fc.asyncProperty(inputsOf(target), async (bytes) => {
    before?.(bytes);
    await tryInput(target, bytes).catch((error) => {
      if (isKnown?.(error) !== true) throw error;
    });
  });
  const { counterexample, errorInstance } = await fc.check(property, { seed, numRuns: runs });
  return counterexample === null ? undefined : { bytes: counterexample[0], error: errorInstance };
}
