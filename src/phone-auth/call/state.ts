import { type Duration, seconds } from "../../shared/duration.ts";
import type { CallbackOrder, Caller, PendingView } from "../../shared/gate/phone-verbs.ts";
import type { AskedVerb, Timer } from "./call.ts";
import { type Line, spell } from "./speech.ts";

/** How long the gate may take to answer. */
export const ANSWER_LIMIT = seconds(10);

/** @returns how long a play of so many recordings may take before Asterisk is taken to have forgotten it */
export const playLimit = (recordings: number): Duration => seconds(20 + 2 * recordings);

/** What one call may do before it is ended. */
export const LIMITS = {
  /** Keys in all; an honest call needs under 40. */
  keys: 200,
  /** Keys kept that were pressed while the gate was thinking. */
  ahead: 40,
  /** Keys of one entry: an address has 15, a PIN 16 at the most; more are dropped and make it wrong. */
  entry: 17,
  /** Silences in a row. */
  silences: 2,
  /** Wrong entries at each stage. */
  misses: { pin: 3, authenticator: 3, menu: 5 },
} as const;

/** What the caller is asked to agree to. */
export type Offer =
  | { readonly kind: "address"; readonly address: string; readonly last: boolean }
  | {
      readonly kind: "request";
      readonly request: PendingView;
      /** Offered after this one; bounded: the gate keeps three a user. */
      readonly rest: readonly PendingView[];
    };

/** Where a call stands. */
export type Stage =
  | { readonly name: "new" | "pin" | "authenticator" | "menu" | "goodbye" | "ended" }
  | { readonly name: "confirm"; readonly offer: Offer };

/** All that a call remembers. */
export interface CallState {
  readonly stage: Stage;
  readonly caller: Caller;
  /** Set when we called: the request it is about. */
  readonly request: CallbackOrder | null;
  /** Given by the gate for a right PIN. */
  readonly session: string | null;
  /** Keys of the entry so far. */
  readonly entry: string;
  /** Keys pressed while we were busy, for the next question. */
  readonly ahead: string;
  readonly playing: boolean;
  /** What is waited for while no key counts: the gate's answer, or the end of a delay. */
  readonly busy: AskedVerb | "pause" | null;
  /** The timer that runs beside `call`. */
  readonly timer: Exclude<Timer, "call"> | null;
  readonly keys: number;
  readonly silences: number;
  /** Never reset: hanging back and forth gives no more tries. */
  readonly misses: Readonly<Record<keyof typeof LIMITS.misses, number>>;
}

const NOBODY: Caller = { lane: "external", endpoint: "", number: null };

/** A call that has not begun. */
export const NEW_CALL: CallState = {
  stage: { name: "new" },
  caller: NOBODY,
  request: null,
  session: null,
  entry: "",
  ahead: "",
  playing: false,
  busy: null,
  timer: null,
  keys: 0,
  silences: 0,
  misses: { pin: 0, authenticator: 0, menu: 0 },
};

function askPin({ request }: CallState): Line {
  if (request === null) return ["ask_pin"];
  const code: Line = request.code === null ? [] : ["callback_code", ...spell(request.code)];
  return [...code, "ask_pin", "press_9"];
}

function askToConfirm(offer: Offer, calledBack: boolean): Line {
  if (offer.kind === "address") {
    return [offer.last ? "last_address" : "you_entered", ...spell(offer.address), "confirm_address"];
  }
  const deny: Line = calledBack ? ["press_9"] : [];
  return ["request", ...spell(offer.request.address), "confirm_request", ...deny];
}

/** @returns what the caller is asked where he stands; nothing where he is asked nothing */
export function questionOf(state: CallState): Line {
  switch (state.stage.name) {
    case "pin":
      return askPin(state);
    case "authenticator":
      return ["ask_authenticator"];
    case "menu":
      return ["menu"];
    case "confirm":
      return askToConfirm(state.stage.offer, state.request !== null);
    default:
      return [];
  }
}
