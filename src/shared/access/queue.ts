import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** A pure decision: looks at the state, changes it through the transaction, or throws to change nothing. */
export type Decision<T> = (state: GateState, tx: Transaction) => T;

/** A decision, and who waits for what becomes of it. */
export interface Job {
  readonly decide: Decision<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Decisions that share one write to the disk and one transaction in the kernel. */
const MAX_BATCH = 256;

/** The gate's one queue (decision 0002): decisions that wait together are carried out together, tasks alone. */
export class DecisionQueue {
  // bounded: those who ask wait for their answer: the admin socket's connections and one knock a datagram read
  readonly #waiting: (Job | (() => Promise<void>))[] = [];
  readonly #commit: (jobs: readonly Job[]) => Promise<void>;
  #busy = false;
  #idle: Promise<void> = Promise.resolve();

  /** @param commit carries decisions out and answers each; never rejects */
  constructor(commit: (jobs: readonly Job[]) => Promise<void>) {
    this.#commit = commit;
  }

  /** True while something is being carried out. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** Resolves when nothing waits any more of what waits now. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  /** @returns what the decision gives, once it has taken effect; rejects with what it threw, or why it could not */
  run<T>(decide: Decision<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#enter({ decide, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Runs a task between decisions. @returns what becomes of it */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#enter(() => task().then(resolve, reject));
    });
  }

  #enter(entry: Job | (() => Promise<void>)): void {
    this.#waiting.push(entry);
    if (!this.#busy) this.#idle = this.#empty();
  }

  async #empty(): Promise<void> {
    this.#busy = true;
    for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift()) {
      if (typeof first === "function") await first();
      else await this.#commit([first, ...this.#takeJobs()]);
    }
    this.#busy = false;
  }

  #takeJobs(): Job[] {
    const end = this.#waiting.findIndex((entry) => typeof entry === "function");
    const count = Math.min(MAX_BATCH, end === -1 ? this.#waiting.length : end);
    return this.#waiting.splice(0, count) as Job[];
  }
}
