import type { Gate } from "../../access/gate.ts";
import { type AdminVerbs, Refusal, type Verb } from "../verbs.ts";

/** What the answering process knows beside the gate. */
export interface Answerer {
  /** ISO time since when knockd runs; null: no knockd, a knockctl is the gate for one command. */
  readonly since: string | null;
  /** Takes over the settings as the file has them now: an admin who edited it plans and applies what he sees. */
  readonly reread: () => Promise<void>;
}

/** @returns the refusal of a watch while no knockd runs */
export function nothingToWatch(): Refusal {
  return new Refusal(
    "broken",
    "knockd is not running: there is nothing to watch",
    "start it, or look back: knockctl history",
  );
}

/** Answers to some of the questions, by verb. */
export type Answers<Some extends Verb> = {
  [V in Some]: (gate: Gate, args: AdminVerbs[V]["args"], about: Answerer) => Promise<AdminVerbs[V]["result"]>;
};
