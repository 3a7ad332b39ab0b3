import type { Gate } from "../../access/gate.ts";
import type { Settings } from "../../settings/settings.ts";
import { type AdminVerbs, Refusal, type Verb } from "../verbs.ts";

/** What the answering process knows beside the gate. */
export interface Answerer {
  /** ISO time since when knockd runs; null: no knockd, a knockctl is the gate for one command. */
  readonly since: string | null;
  /** The settings as the file has them now: an admin who edited it plans what he sees. @throws SettingsError */
  readonly read: () => Promise<Settings>;
  /** Makes them those that the gate goes by, as a reload does. */
  readonly adopt: (settings: Settings) => Promise<void>;
  /** Uptime ms since when nobody speaks for the phone; undefined while somebody does. Asked only where it is enabled. */
  readonly phoneSilentSince: () => number | undefined;
}

/** @returns what a knockctl knows that is the gate for one command: its gate has just read the settings */
export const noKnockd = (gate: Gate): Answerer => ({
  since: null,
  read: async () => gate.state.settings,
  adopt: async () => {},
  phoneSilentSince: () => undefined,
});

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
