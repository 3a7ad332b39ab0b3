import { type Duration, milliseconds } from "../shared/duration.ts";

/** Runs a task after a time, once. */
export type Later = (task: () => void, after: Duration) => void;

/** After 4 ms without work a processor's caches still hold nearly all of us, after 20 nothing. */
const EVERY = milliseconds(4);
/** 60 ms: our clients wait 20 between two knocks. */
const ROUNDS = 15;

/**
 * Keeps the way through a door warm while somebody stands one knock before it: it is gone through every few milliseconds,
 * without effect, and the knock then takes half the time (decision 0009). A round takes 0.3 to 0.4 ms, and however many stand
 * before doors, there is one series at a time: a tenth of a processor at the most.
 */
export class Rehearsal {
  readonly #later: Later;
  #round: () => void = () => {};
  #left = 0;
  #isOn = false;

  constructor(later: Later) {
    this.#later = later;
  }

  /** Begins a series, or goes on with another door. @param round goes the way without effect; never throws */
  begin(round: () => void): void {
    this.#round = round;
    this.#left = ROUNDS;
    if (!this.#isOn) this.#wait();
  }

  /** The knock is there. */
  end(): void {
    this.#left = 0;
  }

  #wait(): void {
    this.#isOn = this.#left > 0;
    if (!this.#isOn) return;
    this.#left -= 1;
    this.#later(() => {
      if (this.#left > 0) this.#round();
      this.#wait();
    }, EVERY);
  }
}
