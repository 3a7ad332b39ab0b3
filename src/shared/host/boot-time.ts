import { type Duration, milliseconds } from "../duration.ts";

/** How far two clocks that go on alike may seem apart: one of them counts whole ms. */
const ALIKE = milliseconds(2);

/** When what was read is read again, whatever the clocks say. */
const READ_AGAIN: Duration = milliseconds(1_990);

/**
 * The time since boot, with sleep, from clocks that cost nothing to read. The kernel's own answer costs three system
 * calls, which a knock would wait for three times over; but it runs ahead of the monotonic clock by how long the
 * machine slept, and a sleep moves the wall clock away from the monotonic one by just as much. A clock that is slewed
 * (adjtimex(2)) takes both along. So the kernel is asked only when those two have moved apart, and every two seconds.
 */
export class BootTime {
  readonly #read: () => number;
  #asleep = Number.NEGATIVE_INFINITY;
  #apart = Number.NaN;
  #readAt = 0;

  /** @param read asks the kernel: ms since boot, sleep included, never more than it is */
  constructor(read: () => number) {
    this.#read = read;
  }

  /**
   * @param wall wall clock, ms
   * @param monotonic ms of a clock that stands still while the machine sleeps
   * @returns ms since boot; never goes back
   */
  at(wall: number, monotonic: number): number {
    const isFresh = monotonic - this.#readAt < READ_AGAIN;
    if (!isFresh || !(Math.abs(wall - monotonic - this.#apart) <= ALIKE)) this.#ask(wall, monotonic);
    return Math.round(monotonic + this.#asleep);
  }

  #ask(wall: number, monotonic: number): void {
    this.#asleep = Math.max(this.#asleep, this.#read() - monotonic); // what is read is cut to 10 ms
    this.#apart = wall - monotonic;
    this.#readAt = monotonic;
  }
}
