import { type Clock, type Duration, days, milliseconds } from "../shared/duration.ts";

/** The clock's own step (host/adapters/clock.ts): who looks sooner finds that it is not time yet. */
const STEP = milliseconds(10);
const LONGEST = days(366);

/** Calls back after a time that goes on while the machine sleeps, once: of several askings the last counts. */
export type Timer = (after: Duration) => void;

/** Wakes those who asked for it, each at the earliest time it asked for; one timer serves them all. */
export class Alarms {
  readonly #clock: Clock;
  readonly #timer: Timer;
  /** bounded: one for each who wants to be woken, a handful */
  readonly #alarms: { due: number; readonly ring: () => unknown }[] = [];

  /** @param timer calls `look` */
  constructor(clock: Clock, timer: Timer) {
    this.#clock = clock;
    this.#timer = timer;
  }

  /** @returns asks for `ring` to be called after a time, soon where it is over; of several askings the earliest counts */
  add(ring: () => unknown): (after: Duration) => void {
    const alarm = { due: Number.POSITIVE_INFINITY, ring };
    this.#alarms.push(alarm);
    return (after) => {
      const { uptime } = this.#clock();
      const soonest = this.#soonest();
      alarm.due = Math.min(alarm.due, uptime + (after > 0 ? after : 0)); // what is no number rings at once
      if (alarm.due < soonest) this.#sleep(uptime);
    };
  }

  /** Rings where it is time. */
  look(): void {
    const { uptime } = this.#clock();
    const due = this.#alarms.filter((alarm) => alarm.due <= uptime);
    for (const alarm of due) alarm.due = Number.POSITIVE_INFINITY;
    this.#sleep(uptime);
    for (const { ring } of due) ring();
  }

  #soonest(): number {
    return Math.min(...this.#alarms.map(({ due }) => due));
  }

  #sleep(uptime: number): void {
    const rest = this.#soonest() - uptime;
    if (rest < Number.POSITIVE_INFINITY)
      this.#timer(milliseconds(Math.min(Math.max(0, rest) + STEP, LONGEST)));
  }
}
