/** How long after a write its report may come, in ms. A write that was never carried out is forgotten after it. */
export const REPORT_WITHIN = 1_000;

/**
 * Tells our own transactions from those of others by counting: each of ours is reported once. The process ids in
 * the reports would not do: inside a container they are those of the host.
 *
 * A foreign transaction between our sending and our report is taken for ours, and ours then for foreign: the
 * count is right, and that is all that is asked. Times are ms on a clock that does not run backwards.
 */
export class OwnWrites {
  /** bounded: the writes of the last second; when they were sent. */
  #due: number[] = [];

  /** A new monitor listens: whether it will report what was sent before is unknown, so that excuses nothing. */
  forget(): void {
    this.#due = [];
  }

  /** We are about to write. */
  sent(now: number): void {
    this.#forgetLate(now);
    this.#due.push(now);
  }

  /** What we wrote last was refused, so no report of it comes. @returns true when one came: it was another's. */
  refused(now: number): boolean {
    this.#forgetLate(now);
    return this.#due.pop() === undefined;
  }

  /** A transaction on our table was reported. @returns true when it was another's. */
  reported(now: number): boolean {
    this.#forgetLate(now);
    return this.#due.shift() === undefined;
  }

  #forgetLate(now: number): void {
    while ((this.#due[0] ?? now) < now - REPORT_WITHIN) this.#due.shift();
  }
}
