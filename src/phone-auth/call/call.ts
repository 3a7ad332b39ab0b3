import type { Duration } from "../../shared/duration.ts";
import type { CallbackOrder, Caller, PhoneVerb, PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import type { Fields } from "../../shared/log/log.ts";

/**
 * The words of a call: what happens to it (events), what it wants done (effects), and what it remembers (state).
 * The machine itself is `step` in step.ts: pure, one call, no clock.
 */

/**
 * Timers of a call, at most one of each name; setting one again replaces it.
 * `call`: the whole call. `first_digit`, `between_digits`: the caller is silent. `prompt`: Asterisk never said that a
 * play ended. `answer`: the gate never answered. `pause`: the gate wants the next try delayed.
 */
export type Timer = "call" | "first_digit" | "between_digits" | "prompt" | "answer" | "pause";

/** What the gate said, with the verb it was asked. */
export type GateAnswer = {
  [V in AskedVerb]: { readonly kind: "answer"; readonly verb: V; readonly result: PhoneVerbs[V]["result"] };
}[AskedVerb];

/** A question to the gate. */
export type Question = {
  [V in AskedVerb]: { readonly kind: "ask"; readonly verb: V; readonly args: PhoneVerbs[V]["args"] };
}[AskedVerb];

/** The verbs a call uses; the others are the process's own. */
export type AskedVerb = Exclude<PhoneVerb, "callbacks" | "call_over">;

/** What happens to a call. */
export type CallEvent =
  /** Somebody rings, or (with `request`) somebody we rang has picked up. First, and once. */
  | { readonly kind: "start"; readonly caller: Caller; readonly request?: CallbackOrder }
  /** One of `0-9 * #`; others are ignored. */
  | { readonly kind: "digit"; readonly digit: string }
  /** The last `play` ran to its end, or could not be played. Not for one that was stopped or replaced. */
  | { readonly kind: "played" }
  | { readonly kind: "timeout"; readonly timer: Timer }
  /** The channel is gone, whoever ended it. Last. */
  | { readonly kind: "hangup" }
  /** The answer to the last `ask`. */
  | GateAnswer
  /** The gate cannot be reached, or went away before it answered. */
  | { readonly kind: "gate_down" };

/** What a call wants done, in order. */
export type CallEffect =
  | { readonly kind: "answer" }
  /** Plays a list of ARI media URIs as one; replaces what is playing. Not interruptible: no `stop` will follow. */
  | { readonly kind: "play"; readonly media: readonly string[]; readonly interruptible: boolean }
  /** Ends what is playing. */
  | { readonly kind: "stop" }
  /** At most one question is open at a time. */
  | Question
  /** `after` null: off. */
  | { readonly kind: "timer"; readonly timer: Timer; readonly after: Duration | null }
  /** The last effect of a call. */
  | { readonly kind: "hang_up" }
  /** Words only: never a PIN, a code or any digit keyed. */
  | { readonly kind: "log"; readonly message: string; readonly fields: Fields };

/** In which voice a call speaks. */
export interface Voice {
  readonly sounds: "core" | "knockline";
  /** Where our own recordings are, absolute: Settings.paths.sounds. */
  readonly recordings: string;
}

/** What a call goes by. */
export interface CallSettings extends Voice {
  /** The time-outs that an admin can set: the whole call, and two kinds of silence. */
  readonly patience: Readonly<Record<"call" | "first_digit" | "between_digits", Duration>>;
}
