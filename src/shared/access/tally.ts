import type { GrantedBy } from "../gate/views.ts";
import type { Denial } from "./denial.ts";
import type { EventName } from "./event.ts";

/** What one known port that was touched came to. */
export type KnockOutcome = "step" | "repeat" | "complete" | "denied";
/** What became of a PIN that was keyed. `delayed`: it was not compared. */
export type PinOutcome = "right" | "wrong" | "delayed";

/** Counts by name. */
class Counts<Name extends string> {
  // bounded: names come from closed lists
  readonly #counts = new Map<Name, number>();

  add(name: Name): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  of(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }
}

/** What happened since this process is the gate: counters that only rise, for `metrics`. Holds no address and no name. */
export class Tally {
  readonly knocks = new Counts<KnockOutcome>();
  readonly denials = new Counts<Denial>();
  readonly pins = new Counts<PinOutcome>();
  readonly events = new Counts<`${EventName}/${GrantedBy | ""}`>();
}
